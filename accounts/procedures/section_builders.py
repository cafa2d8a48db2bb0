"""Sections that are still being read, and numbered lines between them that are not headings, such as steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

_MAX_STEPS = 99
_MAX_BETWEEN = 20  # numbered lines that may come between a section and the next one
Number = tuple[int, ...]  # 1.2 is (1, 2)


@dataclass
class SectionBuilder:
    """A section whose lines are still being read."""

    number: str
    title: str
    heading: str  # the line as written
    page: int
    last_page: int
    lines: list[str]
    is_contents: bool = False  # True for an entry of a table of contents that continues on the next line

    @property
    def text(self) -> str:
        return "\n".join(self.lines).strip()

    @property
    def parts(self) -> Number:
        return tuple(map(int, self.number.split(".")))

    @property
    def may_be_step(self) -> bool:
        """Return True for a line like “2. Stay on the line”, and False for “2.1 Safety” and “Section 2: Safety”."""
        return self.number.isdigit() and self.heading[:1].isdigit()

    def add(self, other: "SectionBuilder") -> None:
        """Add a numbered line that turned out not to be a heading, with the lines below it."""
        rest = other.lines[1:] if other.lines and other.heading.endswith(other.lines[0]) else other.lines
        self.lines += [other.heading, *rest]
        self.last_page = other.last_page


def join_steps(found: Sequence[SectionBuilder]) -> list[SectionBuilder]:
    """Return the sections. Add numbered steps, addresses, and hotlines to the section in which they stand.

    They are recognized by the section after them, which continues the numbering of the section before them.
    """
    kept: list[SectionBuilder] = []
    titles: set[str] = set()  # of sections with the number 1
    index = 0
    while index < len(found):
        section = found[index]
        count = 0
        if kept and section.may_be_step and plain_title(section.title) not in titles:
            count = _count_steps(kept, found, index) or _count_between(kept[-1].parts, found, index)
        for one in found[index : index + count]:
            kept[-1].add(one)
        if not count:
            kept.append(section)
            if section.number == "1":
                titles.add(plain_title(section.title))
        index += max(count, 1)
    return kept


def plain_title(title: str) -> str:
    """Return the title without the page number that it has in a table of contents."""
    return title.rstrip(" .…\t0123456789").casefold()


def _count_steps(kept: Sequence[SectionBuilder], found: Sequence[SectionBuilder], first: int) -> int:
    """Return the number of steps, numbered from 1, that begin at `first`."""
    if found[first].parts != (1,):
        return 0
    last, count = kept[-1].parts, 1
    if len(kept) == 1 and len(last) == 1 and last[0] > _MAX_STEPS:
        return 0  # the number of the account, in the title
    candidates = found[first + 1 : first + _MAX_STEPS]
    for _ in takewhile(lambda pair: pair[1].may_be_step and pair[1].parts == (pair[0],), enumerate(candidates, 2)):
        count += 1
    following = found[first + count].parts if first + count < len(found) else None
    if len(last) == 1 and last[0] <= count and following != (last[0] + 1,):
        count = last[0]  # “2 Opening” with the steps 1 and 2, then “3 Safety”
        following = (last[0] + 1,)
    if following and len(following) > 1 and following[0] == count > last[0]:
        count, following = count - 1, following[:1]  # the last one is the chapter of the section after it
    if count < 2 or not _are_steps(found[first : first + count]):
        return 0
    if following is None:
        return count if len(last) > 1 and last[-1] > 0 and len(kept) > 2 else 0
    return count if _continues(last, following) else 0


def _are_steps(lines: Sequence[SectionBuilder]) -> bool:
    """Return True if few of the lines have a paragraph of their own below them, as the chapters of a document have."""
    with_text = sum(bool(one.lines) and one.lines[0][:1].isupper() for one in lines[:-1])
    return 3 * with_text <= len(lines) - 1


def _continues(last: Number, following: Number) -> bool:
    """Return True if a section may directly follow: 1.2.1, 1.3, or 2 after 1.2, or a larger number after 6100."""
    if len(last) == 1 and last[0] > _MAX_STEPS:
        return len(following) == 1 and following[0] > last[0]
    next_ones = {last[:level] + (last[level] + 1,) for level in range(len(last))} | {(*last, 1)}
    return following in next_ones or (following[-1] in {0, 1} and following[:-1] in next_ones and len(last) > 1)


def _count_between(last: Number, found: Sequence[SectionBuilder], first: int) -> int:
    """Return the number of lines from `first` to the direct successor of the last section.

    The lines “12 Oak Street” and “988 Lifeline” between the sections 1.1 and 1.2 are not headings.
    """
    successors = {(*last[:-1], last[-1] + 1), (*last, 1)}
    between = list(
        takewhile(lambda one: one.may_be_step and one.parts not in successors, found[first : first + _MAX_BETWEEN])
    )
    end = first + len(between)
    is_ended = end < len(found) and found[end].parts in successors
    is_apart = len(last) > 1 or all(one.parts > (last[0] + 1,) for one in between)
    return len(between) if is_ended and is_apart else 0
