# SPDX-License-Identifier: MIT
"""libcamera's own program, cam, from a Debian that is newer than the machine's.

It runs with that Debian's libc and libraries from a directory in the user's cache; the
machine's own packages are left alone. apt verifies what it downloads.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from tests.live.debian import RigError, ask, with_index

SUITE = "trixie"
LIBRARIES = "usr/lib/x86_64-linux-gnu"
# cam and what it is linked with, but for SDL2 and all that a window needs.
PACKAGES = (
    *("libcamera-tools", "libcamera0.4", "libc6", "libstdc++6", "libgcc-s1"),
    *("libdrm2", "libevent-2.1-7t64", "libevent-pthreads-2.1-7t64", "libyaml-0-2"),
    *("libjpeg62-turbo", "libtiff6", "libdeflate0", "libjbig0", "liblerc4"),
    *("libsharpyuv0", "libwebp7", "libzstd1", "liblzma5", "zlib1g", "libyuv0"),
    *("libgnutls30t64", "libp11-kit0", "libidn2-0", "libunistring5", "libtasn1-6"),
    *("libhogweed6t64", "libnettle8t64", "libgmp10", "libffi8", "libnuma1"),
    *("liblttng-ust1t64", "liblttng-ust-common1t64", "libudev1", "libcap2"),
)
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
SOURCE = f"deb [signed-by={KEYS}] {{mirror}} {SUITE} main\n"
# Its place is fixed in the library; what it says is libcamera's documentation's.
CAMERA = """
"Virtual0":
  supported_formats:
  - width: 640
    height: 480
    frame_rates:
    - 30
  test_pattern: "bars"
  location: "CameraLocationFront"
  model: "virtual"
"""
# In a mount namespace of its own: nothing of the machine's /usr/share changes.
SCRIPT = """
set -e
mount -t tmpfs none /usr/share
mkdir -p /usr/share/libcamera/pipeline/virtual
cp "$1/virtual.yaml" /usr/share/libcamera/pipeline/virtual/
libraries="$1/{libraries}"
exec "$libraries/ld-linux-x86-64.so.2" --library-path "$libraries:$1/stub" \\
    "$1/usr/bin/cam" --camera 1 --capture=8
"""


def root() -> Path:
    """The directory with cam in it; a RigError where apt cannot deliver it."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    kept = Path(base) / "heapkit" / "clients" / f"libcamera-{SUITE}"
    kept.parent.mkdir(parents=True, exist_ok=True)
    if not kept.exists():
        with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
            _fetch(Path(scratch)).replace(kept)
    return kept


def command(root: Path) -> tuple[str, ...]:
    """What captures eight frames with the virtual camera."""
    script = SCRIPT.format(libraries=LIBRARIES)
    return ("unshare", "--mount", "sh", "-c", script, "sh", str(root))


def _fetch(scratch: Path) -> Path:
    apt = _private_apt(scratch)
    ask("apt-get", *apt, "-qq", "update")
    packages = scratch / "packages"
    packages.mkdir()
    ask("apt-get", *apt, "-qq", "download", *PACKAGES, cwd=packages)
    root = scratch / "root"
    for package in packages.glob("*.deb"):
        ask("dpkg-deb", "--extract", str(package), str(root))
    (root / "virtual.yaml").write_text(CAMERA)
    _stub(root)
    return root


def _mirror() -> str:
    """Where this machine's own Debian is from: the newer one is beside it."""

    def asked() -> str:
        lines = ask("apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)")
        for line in lines.splitlines():
            site, _, release = line.partition(" ")
            if site and "-" not in release:
                return site
        raise RigError("apt knows no mirror of Debian")

    return with_index(asked)


def _private_apt(scratch: Path) -> tuple[str, ...]:
    """Options that keep apt out of the machine's own state."""
    for name in ("state/lists/partial", "cache/archives/partial"):
        (scratch / name).mkdir(parents=True)
    (scratch / "status").touch()
    (scratch / "sources.list").write_text(SOURCE.format(mirror=_mirror()))
    options = {
        "Dir::Etc::SourceList": scratch / "sources.list",
        "Dir::Etc::SourceParts": os.devnull,
        "Dir::Etc::Preferences": os.devnull,
        "Dir::State": scratch / "state",
        "Dir::State::Status": scratch / "status",
        "Dir::Cache": scratch / "cache",
        "APT::Sandbox::User": "root",
    }
    return tuple(f"-o{name}={value}" for name, value in options.items())


def _stub(root: Path) -> None:
    """An SDL2 that does nothing, for a program that opens no window."""
    symbols = ask("nm", "-D", "--undefined-only", str(root / "usr/bin/cam")).split()
    names = [symbol for symbol in symbols if symbol.startswith("SDL_")]
    library = root / "stub/libSDL2-2.0.so.0"
    library.parent.mkdir()
    soname = "-Wl,-soname,libSDL2-2.0.so.0"
    subprocess.run(
        ["cc", "-shared", "-fPIC", soname, "-x", "c", "-o", str(library), "-"],
        input="\n".join(f"void {name}(void) {{}}" for name in names),
        text=True,
        check=True,
    )
