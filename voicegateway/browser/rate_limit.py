"""Rate limits on what a page sends in a call: microphone audio, messages, and typed words.

Audio and messages arrive in real time and, after a stall, in one burst.
"""

from voicegateway.browser.protocol import SAMPLE_RATE

WINDOW = 2.0  # seconds
MAX_SPEED = 2.0  # times real time
STALL_AFTER = 0.3  # seconds; a longer gap between frames is a stall, after which the missing audio may arrive
MAX_CREDIT = 45.0  # seconds; a longer stall makes the server's pings time out, which closes the connection
CHARACTERS_PER_WORD = 10  # so that text without spaces also counts


class AudioRateLimit:
    """Limit on the audio in each window. A stall adds credit, so that the burst after it is accepted."""

    def __init__(self) -> None:
        self.last_frame_at: float | None = None
        self.window_started_at = 0.0
        self.window_seconds = 0.0
        self.credit = 0.0

    def spend(self, samples: int, now: float) -> bool:
        """Count a frame of `samples` samples against the limit. Return False if it exceeds the limit."""
        if now - self.window_started_at >= WINDOW:
            self.credit = (
                max(0.0, self.credit - (self.window_seconds - WINDOW)) if self.window_seconds > WINDOW else 0.0
            )
            self.window_started_at, self.window_seconds = now, 0.0
        gap = 0.0 if self.last_frame_at is None else now - self.last_frame_at
        if gap > STALL_AFTER:
            self.credit = min(self.credit + gap, MAX_CREDIT)
        self.last_frame_at = now
        self.window_seconds += samples / SAMPLE_RATE
        return self.window_seconds <= MAX_SPEED * WINDOW + self.credit


class TokenBucket:
    """Allowance that refills steadily: at most `capacity` at once, and `per_second` on average."""

    def __init__(self, capacity: float, per_second: float, spent: float = 0.0) -> None:
        self.capacity = capacity
        self.per_second = per_second
        self.left = max(0.0, capacity - spent)
        self.refilled_at: float | None = None

    def has(self, amount: float, now: float) -> bool:
        if self.refilled_at is not None:
            self.left = min(self.capacity, self.left + (now - self.refilled_at) * self.per_second)
        self.refilled_at = now
        return self.left >= amount

    def spend(self, amount: float, now: float) -> bool:
        """Take `amount` out. Return False, and take nothing, if there is less."""
        is_enough = self.has(amount, now)
        if is_enough:
            self.left -= amount
        return is_enough


class MessageRateLimit(TokenBucket):
    """Limit on text messages of any type, valid or not.

    A page sends five playback reports a second and a few clicks. After a stall, those of up to `MAX_CREDIT` seconds
    arrive at once.
    """

    def __init__(self) -> None:
        super().__init__(capacity=600, per_second=30)


class TypedRateLimit:
    """Limit on typed turns, and on their words and characters. One turn may use up the words of a minute.

    `turns` and `words` are what was typed in the last minute, before this connection.
    """

    def __init__(self, turns_per_minute: int, words_per_minute: int, turns: int = 0, words: int = 0) -> None:
        self.turns = TokenBucket(turns_per_minute, turns_per_minute / 60, turns)
        self.words = TokenBucket(words_per_minute, words_per_minute / 60, words)
        # A person who types too fast stops after a few refusals. A page that keeps going is not used by a person.
        self.refusals = TokenBucket(turns_per_minute, turns_per_minute / 60)

    def spend(self, text: str, now: float) -> bool:
        """Count a typed turn. Return False, and count nothing, if it is too much."""
        words = count_words(text)
        return self.words.has(words, now) and self.turns.spend(1, now) and self.words.spend(words, now)

    def count_refusal(self, now: float) -> bool:
        """Count a refused turn. Return True if there have been too many."""
        return not self.refusals.spend(1, now)


def count_words(text: str) -> int:
    """Return the number of words, or of pieces of `CHARACTERS_PER_WORD` characters if there are more of them."""
    return max(len(text.split()), -(-len(text) // CHARACTERS_PER_WORD))
