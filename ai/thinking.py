"""Removal of a model's thinking from its answers, whole or streamed.

Models mark it with tags such as `<think>` and `[THINK]`, or with channels such as `<|channel|>analysis<|message|>`.
"""

import re

# Tag names: models also write <antThinking>, <inner_thoughts>, <chain_of_thought>, and <reasoning_content>.
_NAMES = (
    r"(?:[a-z_]{0,20}?(?:think|thought|reason|reflect|monologue|scratchpad)[a-z_]{0,20}|(?:[a-z_]{1,20}_)?analysis|cot)"
)
_MARK = re.compile(
    rf"(?:<|&lt;)\s?(?P<tag_end>/?)\s?(?:[a-z]{{1,10}}:)?{_NAMES}(?:\s[^<>]{{0,60}})?(?P<is_empty>/?)(?:>|&gt;)"
    r"|\[(?P<bracket_end>/?)THINK\]"
    r"|◁(?P<wedge_end>/?)think▷"
    r"|<unused9(?P<unused>[45])>"
    r"|<\|channel\|>\s?(?P<channel>[a-z]{0,20})(?:[^<>]{0,60}<\|message\|>)?"
    r"|<\|start\|>[a-z]{0,20}"
    r"|<[|｜](?P<token>/?[a-z_▁]{1,30})[|｜]>",
    re.IGNORECASE,
)
_THINKING_TOKEN = re.compile(r"think|thought|reason", re.IGNORECASE)
_TOKEN_END = re.compile(r"/|end", re.IGNORECASE)
_LONGEST_MARK = 160  # characters
# Beginnings of marks. The stream may continue them.
_TAG_START = re.compile(
    rf"<\s?/?\s?(?:[a-z]{{0,10}}|(?:[a-z]{{1,10}}:)?(?:[a-z_]{{0,50}}|{_NAMES}\s[^<>]{{0,60}}))/?|<unused9?[45]?",
    re.IGNORECASE,
)
_TOKEN_START = re.compile(
    r"<[|｜]/?[a-z_▁]{0,30}[|｜]?|<\|(?:start\|>[a-z]{0,20}|channel\|>[^<>]{0,60}(?:<\|?[a-z]{0,7}\|?)?)", re.IGNORECASE
)
_MARK_CHARACTER = re.compile("[<&[◁]")
_WHOLE_MARKS = ("[THINK]", "[/THINK]", "◁THINK▷", "◁/THINK▷")
# Channels of an answer whose special tokens were removed: "analysisShe wants comfort.assistantfinalhi there".
_BARE_CHANNEL, _BARE_FINAL = "analysis", "assistantfinal"


def remove_thinking(text: str, is_complete: bool = True) -> str:
    """Return the text without blocks of thinking. An unclosed block extends to the end of the text.

    An end without a beginning ends a block that the server's template opened. If more text follows (`is_complete` is
    False), what may be the beginning of a mark at its end is left out, too.
    """
    if not text.startswith(_BARE_CHANNEL[0]) and not _MARK_CHARACTER.search(text):
        return text
    sieve = ThinkingSieve()
    kept = sieve.feed(text) + (sieve.finish() if is_complete else "")
    return kept if not sieve.has_unopened_end else remove_thinking(text[sieve.unopened_end_at :], is_complete)


def remove_closed_blocks(text: str) -> str:
    """Return the text without blocks that have both a beginning and an end, for texts that may quote a lone tag."""
    sieve = ThinkingSieve()
    kept = sieve.feed(text) + sieve.finish()
    return text if sieve.has_unopened_end or sieve.is_inside else kept


class ThinkingSieve:
    """Filter that passes on the words of a streamed answer and holds back the model's thinking.

    With `starts_inside`, the answer may begin inside a block, as with templates that open it in the prompt. Everything
    is then held back until the block ends. If it never ends, there was no block, and `finish` returns the words.
    """

    def __init__(self, starts_inside: bool = False) -> None:
        self.has_unopened_end = False
        self.unopened_end_at = 0  # characters of the answer up to the end of the unopened mark
        self.began_inside = False  # True once the block that `starts_inside` assumes has ended
        self._depth = 0
        self._awaits_mark = starts_inside
        self._may_be_bare = True  # nothing was shown or removed yet
        self._is_bare = False
        self._held = ""
        self._fed = 0

    @property
    def is_inside(self) -> bool:
        """Return True inside a block of thinking."""
        return self._depth > 0 or self._is_bare

    @property
    def is_undecided(self) -> bool:
        """Return True while everything is held back, because the answer may have begun inside a block."""
        return self._awaits_mark

    def feed(self, piece: str) -> str:
        """Return the words that can be shown after this piece of the answer."""
        self._fed += len(piece)
        self._held += piece
        if self._may_be_bare and self._waits_for_bare_channel():
            return ""
        if self._awaits_mark and not any(_changes_depth(mark) for mark in _MARK.finditer(self._held)):
            return ""
        shown: list[str] = []
        while mark := _MARK.search(self._held):
            if _TOKEN_START.fullmatch(self._held[mark.start() :]):
                break  # the rest of a role or a channel may follow
            shown.append("" if self._depth or self._awaits_mark else self._held[: mark.start()])
            self._held = self._held[mark.end() :]
            self._pass_mark(mark)
        # The held text may end with the beginning of a mark.
        kept = self._possible_mark_start()
        shown.append("" if self._depth else self._held[:kept])
        self._held = self._held[kept:]
        return "".join(shown)

    def finish(self) -> str:
        """Return the held text that turned out to be words of the answer."""
        held, self._held = self._held, ""
        if self.is_inside:
            return ""
        return _MARK.sub("", held)

    def _waits_for_bare_channel(self) -> bool:
        """Return True while the text begins like a channel without special tokens, or is still inside it."""
        if not self._is_bare:
            if _BARE_CHANNEL.startswith(self._held):
                return True
            self._may_be_bare = False
            self._is_bare = self._held.startswith(_BARE_CHANNEL) and self._held[len(_BARE_CHANNEL)].isupper()
        if self._is_bare and _BARE_FINAL in self._held:
            self._is_bare = self._awaits_mark = False
            self._held = self._held.partition(_BARE_FINAL)[2]
        self._may_be_bare = self._is_bare
        return self._is_bare

    def _pass_mark(self, mark: re.Match[str]) -> None:
        if not _changes_depth(mark):
            return
        awaited, self._awaits_mark = self._awaits_mark, False
        if mark["channel"] is not None:
            self._depth = 0 if mark["channel"].lower() == "final" else 1
        elif _ends_block(mark):
            if self._depth:
                self._depth -= 1
            elif awaited:
                self.began_inside = True
            else:
                self.has_unopened_end, self.unopened_end_at = True, self._fed - len(self._held)
        elif mark["token"] and not _THINKING_TOKEN.search(mark["token"]):  # an end of a channel
            self._depth = 0
        else:
            self._depth += 1

    def _possible_mark_start(self) -> int:
        """Return the index from which the held text may be the beginning of a mark."""
        first = max(0, len(self._held) - _LONGEST_MARK)
        for at in range(first, len(self._held)):
            if _MARK_CHARACTER.match(self._held, at) and _may_begin_mark(self._held[at:]):
                return at
        return len(self._held)


def _changes_depth(mark: re.Match[str]) -> bool:
    if token := mark["token"]:
        return token.lower() in {"end", "return", "call"} or _THINKING_TOKEN.search(token) is not None
    return not mark["is_empty"] and not mark[0].lower().startswith("<|start|>")


def _ends_block(mark: re.Match[str]) -> bool:
    token = mark["token"] or ""
    is_token = _THINKING_TOKEN.search(token) is not None and _TOKEN_END.match(token) is not None
    return bool(mark["tag_end"] or mark["bracket_end"] or mark["wedge_end"]) or mark["unused"] == "5" or is_token


def _may_begin_mark(text: str) -> bool:
    if text[0] == "&":
        return "&lt;".startswith(text) or (text.startswith("&lt;") and _may_begin_mark("<" + text[4:]))
    if text.startswith(("<|", "<｜")):
        return _TOKEN_START.fullmatch(text) is not None
    if text[0] == "<":
        return _TAG_START.fullmatch(text.replace("&gt", "").removesuffix("&").removesuffix("&g")) is not None
    return any(mark.startswith(text.upper()) for mark in _WHOLE_MARKS)
