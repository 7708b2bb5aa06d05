"""LAYOUT.json: what goes into an image."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from tools.image.errors import IllegalName, LayoutError
from tools.image.names import fold, is_label, split_path


def _legal_path(path: str) -> str:
    try:
        split_path(path)
    except IllegalName as error:
        raise ValueError(str(error)) from None
    return path


def _legal_label(label: str) -> str:
    if not is_label(label):
        raise ValueError("a volume label has 1 to 11 of A-Z, 0-9, space and $%'-_@~`!(){}^#&")
    return label


class File(BaseModel):
    """One file: its path on the volume, and where its content comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Annotated[str, AfterValidator(_legal_path)] = Field(description="such as EFI/BOOT/A.EFI")
    source: Path = Field(description="file to copy; relative to the layout file's folder")


class Layout(BaseModel):
    """The content and size of an image."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: Annotated[str, AfterValidator(_legal_label)]
    files: tuple[File, ...]
    free_mib: int = Field(default=16, ge=0, description="least room left for the firmware's files")
    size_mib: int | None = Field(
        default=None, ge=3, description="the image's size; else by content"
    )


def load_layout(path: Path) -> Layout:
    """Read and check a layout file. Raises LayoutError; sources become relative to its folder."""
    try:
        layout = Layout.model_validate_json(path.read_bytes())
    except OSError as error:
        raise LayoutError(f"cannot read the layout {path}: {error.strerror}") from error
    except ValidationError as error:
        raise LayoutError(f"{path}: " + "; ".join(_explain(error))) from None
    conflict = _find_conflict([file.path for file in layout.files])
    if conflict:
        raise LayoutError(f"{path}: {conflict}")
    files = [file.model_copy(update={"source": path.parent / file.source}) for file in layout.files]
    return layout.model_copy(update={"files": tuple(files)})


def _find_conflict(paths: list[str]) -> str | None:
    """Two paths that FAT, which ignores case, would take for the same, or None."""
    spellings: dict[str, str] = {}
    files: set[str] = set()
    folders: set[str] = set()
    for path in paths:
        names = path.split("/")
        prefixes = ["/".join(names[:depth]) for depth in range(1, len(names) + 1)]
        for prefix in prefixes:
            other = spellings.setdefault(fold(prefix), prefix)
            if other != prefix:
                return f"{other!r} and {prefix!r} differ only in case; FAT takes them for the same"
        if path in files:
            return f"{path!r} is listed twice"
        files.add(path)
        folders.update(prefixes[:-1])
    clash = min(files & folders, default=None)
    return f"{clash!r} is listed as a file and used as a folder" if clash else None


def _explain(error: ValidationError) -> Iterator[str]:
    for fault in error.errors(include_url=False):
        place = ".".join(map(str, fault["loc"])) or "the file"
        yield f"{place}: {fault['msg'].removeprefix('Value error, ')}"
