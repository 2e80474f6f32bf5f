// SPDX-License-Identifier: MIT
// The measuring code: what it does and leaves behind, never how long it took.
#include "harness.h"
#include "measure.h"
#include "uapi.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

enum { KIB = 1024, MIB = 1024 * KIB, FAKE = 12345 };

// --- A heap where the kernel has none: its buffers are memfds -------------

static uint32_t allocations, syncs;
static uint32_t failing_allocation, failing_sync; // the nth; 0: none
static uint64_t sync_flags;

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);

static int fake_allocate(struct dma_heap_allocation_data *data)
{
	int fd;

	if (++allocations == failing_allocation) {
		errno = ENOMEM;
		return -1;
	}
	fd = memfd_create("fake", MFD_CLOEXEC);
	if (fd < 0)
		return -1;
	data->fd = (uint32_t)fd;
	return ftruncate(fd, (off_t)data->len);
}

static int fake_sync(const struct dma_buf_sync *sync)
{
	sync_flags |= UINT64_C(1) << sync->flags;
	errno = ++syncs % 2 ? EINTR : EIO;
	if (errno == EINTR) // so that every one is asked for twice
		return -1;
	return syncs / 2 == failing_sync ? -1 : 0;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	void *argument;
	va_list list;

	va_start(list, request);
	argument = va_arg(list, void *);
	va_end(list);
	if (request == DMA_HEAP_IOCTL_ALLOC && fd == FAKE)
		return fake_allocate(argument);
	if (request == DMA_BUF_IOCTL_SYNC)
		return fake_sync(argument);
	return __real_ioctl(fd, request, argument);
}

// --- What is open and mapped ----------------------------------------------

static uint32_t open_files(void)
{
	DIR *const dir = opendir("/proc/self/fd");
	uint32_t n = 0;

	CHECK(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static uint32_t mapped_memfds(void)
{
	FILE *const maps = fopen("/proc/self/maps", "r");
	char line[512];
	uint32_t n = 0;

	CHECK(maps);
	while (fgets(line, sizeof(line), maps))
		n += strstr(line, "/memfd:") != NULL;
	fclose(maps);
	return n;
}

static const struct hkm_source heap = {HKM_DMA_HEAP, FAKE, 8 * MIB};
static const struct hkm_source memfd = {HKM_MEMFD, -1, 8 * MIB};
static const struct hkm_source anonymous = {HKM_ANONYMOUS, -1, 8 * MIB};

static int measure(const struct hkm_source *source, uint64_t bytes,
		   uint32_t count, int64_t *ns)
{
	const uint32_t files = open_files();
	const int ret = hkm_buffers(source, bytes, count, ns);

	CHECK_EQ(open_files(), files);
	CHECK_EQ(mapped_memfds(), 0);
	return ret;
}

// Of each buffer exactly the steps in @mask have a time.
static void check_steps(const int64_t *ns, uint32_t count, uint32_t mask)
{
	for (uint32_t i = 0; i < count * HKM_NR_STEPS; i++) {
		const bool there = mask >> i % HKM_NR_STEPS & 1;

		CHECK(there ? ns[i] >= 0 : ns[i] == -1);
	}
}

static const uint32_t touched = 1 << HKM_MMAP | 1 << HKM_FIRST_TOUCH |
				1 << HKM_SECOND_TOUCH | 1 << HKM_MUNMAP;

TEST(a_memfd_is_made_filled_mapped_touched_and_closed)
{
	int64_t ns[3 * HKM_NR_STEPS];

	CHECK_EQ(measure(&memfd, 64 * KIB, 3, ns), 0);
	check_steps(ns, 3,
		    touched | 1 << HKM_PREPARE | 1 << HKM_ALLOCATE |
			    1 << HKM_FREE);
}

TEST(anonymous_memory_has_no_file)
{
	int64_t ns[2 * HKM_NR_STEPS];

	CHECK_EQ(measure(&anonymous, 1 * MIB, 2, ns), 0);
	check_steps(ns, 2, touched);
}

TEST(a_heaps_buffers_have_every_step_but_the_first)
{
	int64_t ns[4 * HKM_NR_STEPS];

	CHECK_EQ(measure(&heap, 64 * KIB, 4, ns), 0);
	check_steps(ns, 4, ((1 << HKM_NR_STEPS) - 1) & ~(1 << HKM_PREPARE));
	CHECK_EQ(allocations, 4);
	CHECK_EQ(syncs, 4 * 4 * 2);
	CHECK_EQ(sync_flags, 1 << 1 | 1 << 2 | 1 << 5 | 1 << 6);
}

TEST(an_allocation_that_fails_leaves_nothing_of_those_before)
{
	int64_t ns[4 * HKM_NR_STEPS];

	failing_allocation = 3;
	CHECK_EQ(measure(&heap, 64 * KIB, 4, ns), -ENOMEM);
	CHECK_EQ(allocations, 3);
}

TEST(a_sync_that_fails_leaves_nothing)
{
	int64_t ns[2 * HKM_NR_STEPS];

	failing_sync = 6;
	CHECK_EQ(measure(&heap, 64 * KIB, 2, ns), -EIO);
	CHECK_EQ(allocations, 2);
}

TEST(no_descriptor_left_is_an_error_that_leaves_nothing)
{
	const struct rlimit few = {open_files() + 1, open_files() + 1};
	int64_t ns[8 * HKM_NR_STEPS];

	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
	CHECK_EQ(measure(&memfd, 4 * KIB, 8, ns), -EMFILE);
}

TEST(what_cannot_be_mapped_leaves_nothing)
{
	int64_t ns[HKM_NR_STEPS];
	const struct hkm_source huge = {HKM_ANONYMOUS, -1, UINT64_MAX};

	CHECK_EQ(measure(&huge, UINT64_C(1) << 62, 1, ns), -ENOMEM);
}

TEST(a_file_that_is_no_heap_says_so)
{
	const struct hkm_source pipe_end = {HKM_DMA_HEAP, 1, 8 * MIB};
	const struct hkm_source no_device = {HKM_UDMABUF, -1, 8 * MIB};
	int64_t ns[HKM_NR_STEPS];

	CHECK(measure(&pipe_end, 4 * KIB, 1, ns) < 0);
	CHECK(measure(&no_device, 4 * KIB, 1, ns) < 0);
}

TEST(more_than_the_bound_is_refused_before_anything_is_made)
{
	int64_t ns[HKM_MAX_HELD * HKM_NR_STEPS];

	CHECK_EQ(measure(&heap, 4 * MIB, 3, ns), -E2BIG);
	CHECK_EQ(measure(&heap, UINT64_C(1) << 63, 2, ns), -E2BIG);
	CHECK_EQ(measure(&heap, 4 * MIB, 2, ns), 0);
	CHECK_EQ(allocations, 2);
}

TEST(what_makes_no_sense_is_refused)
{
	const struct hkm_source unknown = {4, -1, 8 * MIB};
	int64_t ns[HKM_NR_STEPS];

	CHECK_EQ(measure(&unknown, 4 * KIB, 1, ns), -EINVAL);
	CHECK_EQ(measure(&heap, 0, 1, ns), -EINVAL);
	CHECK_EQ(measure(&heap, 4 * KIB + 1, 1, ns), -EINVAL);
	CHECK_EQ(measure(&heap, 4 * KIB, 0, ns), -EINVAL);
	CHECK_EQ(measure(&heap, 4 * KIB, HKM_MAX_HELD + 1, ns), -EINVAL);
}

// --- Areas ----------------------------------------------------------------

static void check_work(struct hkm_area *area, int32_t work)
{
	int64_t ns[5];
	int ret;

	memset(ns, 0xff, sizeof(ns));
	ret = hkm_area_work(area, work, 64 * KIB, 5, ns);
	if (ret == -EOPNOTSUPP && work >= HKM_CLEAN)
		return;
	CHECK_EQ(ret, 0);
	for (uint32_t i = 0; i < 5; i++)
		CHECK(ns[i] >= 0);
}

TEST(all_work_can_be_done_in_an_area)
{
	struct hkm_area *area = NULL;

	CHECK_EQ(hkm_area_create(1 * MIB, &area), 0);
	for (int32_t work = HKM_ZERO; work <= HKM_FLUSH_DIRTY; work++)
		check_work(area, work);
	hkm_area_destroy(area);
	hkm_area_destroy(NULL);
}

TEST(an_area_refuses_what_makes_no_sense)
{
	struct hkm_area *area = NULL;
	int64_t ns[1];

	CHECK_EQ(hkm_area_create(0, &area), -EINVAL);
	CHECK_EQ(hkm_area_create(12 * KIB, &area), -EINVAL);
	CHECK_EQ(hkm_area_create(UINT64_C(1) << 62, &area), -ENOMEM);
	fail_allocation(1);
	CHECK_EQ(hkm_area_create(1 * MIB, &area), -ENOMEM);
	CHECK_EQ(hkm_area_create(1 * MIB, &area), 0);
	CHECK_EQ(hkm_area_work(area, -1, 4 * KIB, 1, ns), -EINVAL);
	CHECK_EQ(hkm_area_work(area, 8, 4 * KIB, 1, ns), -EINVAL);
	CHECK_EQ(hkm_area_work(area, HKM_ZERO, 2 * KIB, 1, ns), -EINVAL);
	CHECK_EQ(hkm_area_work(area, HKM_ZERO, 12 * KIB, 1, ns), -EINVAL);
	CHECK_EQ(hkm_area_work(area, HKM_ZERO, 1 * MIB, 1, ns), -EINVAL);
	hkm_area_destroy(area);
}

TEST(the_clock_never_goes_back_and_the_cpu_says_what_it_is)
{
	char name[HKM_HYPERVISOR_BYTES];
	const uint32_t line = hkm_line_bytes();
	int64_t ns[100];

	hkm_clock(100, ns);
	for (uint32_t i = 0; i < 100; i++)
		CHECK(ns[i] > 0);
	CHECK(!(line & (line - 1)));
	memset(name, 'x', sizeof(name));
	hkm_hypervisor(name);
	CHECK(memchr(name, 0, sizeof(name)));
}
