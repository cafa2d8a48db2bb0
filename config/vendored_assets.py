"""Font and icons of the pages, copied from their packages.

Update them with `npm pack @fontsource-variable/figtree lucide-static`, unpack both, and run
`python -m config.vendored_assets <folder of figtree> <folder of lucide-static>`.
"""

import json
import shutil
import sys
from hashlib import sha256
from pathlib import Path
from xml.etree import ElementTree

ASSETS = Path(__file__).parents[1] / "templates" / "static" / "site"
HASHES = ASSETS / "vendored.json"
FONT = "figtree-latin-wght-normal.woff2"
SVG = "{http://www.w3.org/2000/svg}"
ICONS = [
    "arrow-down-right",
    "arrow-left",
    "arrow-right",
    "arrow-up-right",
    "award",
    "bell",
    "book-open",
    "building",
    "calendar",
    "chart-no-axes-column",
    "check",
    "chevron-down",
    "chevron-left",
    "chevron-right",
    "circle-alert",
    "circle-check",
    "circle-help",
    "clipboard-list",
    "clock",
    "copy",
    "download",
    "ear",
    "ellipsis",
    "eye",
    "file-text",
    "flag",
    "folder",
    "funnel",
    "globe",
    "grip-vertical",
    "headphones",
    "heart",
    "house",
    "info",
    "key-round",
    "keyboard",
    "layers",
    "library",
    "lightbulb",
    "link",
    "list-checks",
    "lock",
    "log-out",
    "mail",
    "message-circle",
    "message-square-text",
    "mic",
    "mic-off",
    "minus",
    "monitor",
    "moon",
    "panel-right",
    "pause",
    "pencil",
    "phone",
    "phone-off",
    "play",
    "plug",
    "plus",
    "quote",
    "rotate-ccw",
    "search",
    "send",
    "settings",
    "shield-check",
    "sparkles",
    "sun",
    "trash-2",
    "trending-up",
    "triangle-alert",
    "upload",
    "user-plus",
    "user-round",
    "users",
    "volume-2",
    "wifi-off",
    "x",
]


def build_sprite(icons: Path) -> str:
    """Return one SVG file with a symbol for each icon, named after it."""
    symbols = []
    for name in ICONS:
        drawing = ElementTree.parse(icons / f"{name}.svg").getroot()  # noqa: S314  (files of our own choice)
        shapes = "".join(ElementTree.tostring(shape, encoding="unicode").strip() for shape in drawing)
        plain = shapes.replace(' xmlns:ns0="http://www.w3.org/2000/svg"', "").replace("ns0:", "").replace(" />", "/>")
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{plain}</symbol>\n')
    return f'<svg xmlns="http://www.w3.org/2000/svg">\n{"".join(symbols)}</svg>\n'


def vendored_files() -> dict[str, str]:
    """Return the SHA-256 of each vendored file, by its name."""
    files = [ASSETS / "icons.svg", *(ASSETS / "vendored").iterdir()]
    return {str(file.relative_to(ASSETS)): sha256(file.read_bytes()).hexdigest() for file in sorted(files)}


def vendor(figtree: Path, lucide: Path) -> None:
    folder = ASSETS / "vendored"
    folder.mkdir(exist_ok=True)
    shutil.copyfile(figtree / "files" / FONT, folder / FONT)
    shutil.copyfile(figtree / "LICENSE", folder / "figtree-LICENSE.txt")
    shutil.copyfile(lucide / "LICENSE", folder / "lucide-LICENSE.txt")
    (ASSETS / "icons.svg").write_text(build_sprite(lucide / "icons"))
    packages = [json.loads((package / "package.json").read_text()) for package in (figtree, lucide)]
    versions = {package["name"]: package["version"] for package in packages}
    HASHES.write_text(json.dumps({"packages": versions, "sha256": vendored_files()}, indent=2) + "\n")


if __name__ == "__main__":
    vendor(Path(sys.argv[1]), Path(sys.argv[2]))
