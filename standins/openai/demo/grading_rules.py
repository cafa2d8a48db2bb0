"""Rules of the demo grader: words that meet or break a check, and conditions under which a check applies."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class GradingRule:
    """Rule for checks that match `check_pattern`: a counselor's sentence that matches `evidence_pattern` meets them.

    `benefit` says why meeting the check helps the caller. A check of leaving something undone (`is_forbidden`) is
    broken by such a sentence instead.
    """

    check_pattern: re.Pattern[str]
    evidence_pattern: re.Pattern[str]
    benefit: str
    is_forbidden: bool = False


def _grading_rule(about: str, evidence: str, why: str = "", is_forbidden: bool = False) -> GradingRule:
    return GradingRule(re.compile(about, re.IGNORECASE), re.compile(evidence, re.IGNORECASE), why, is_forbidden)


LECTURING = re.compile(
    r"\b(you (?:should|must|need to|have to)|why don't you|calm down|cheer up|just (?:try|think|relax|stop))\b",
    re.IGNORECASE,
)

# A question that makes "no" the easy answer, which asks nothing.
LEADING = re.compile(
    r"\W{0,20}+(?:so |and )?(?:no (?:thoughts|plans)|not \w{1,20}al, |you(?:'re| are) not|"
    r"you (?:aren't|don't|won't|wouldn't|haven't))",
    re.IGNORECASE,
)

# Words before or after the evidence that turn it into its opposite: "I'm not glad you called", "We agreed nothing".
_REFUSAL = re.compile(
    r"(?:\b(?:not|never|cannot|nobody|no one|nothing|without|no)|n['’]t)\b[^.,;:?!]{0,40}$", re.IGNORECASE
)
_DENIAL_AFTER = re.compile(r"\s+(?:nothing|nobody|no one|never|no)\b", re.IGNORECASE)
_QUESTION_WORDS = re.compile(
    r"\W{0,9}(?:(?:so|and|but|then) )?(?:why|what|how|who|do|did|are|is|have|has|can|could|would|when|if)\b",
    re.IGNORECASE,
)


def says(rule: GradingRule, sentence: str) -> bool:
    """Return whether a sentence holds the rule's evidence without denying it. Questions deny nothing."""
    found = rule.evidence_pattern.search(sentence)
    if found is None or (sentence.rstrip().endswith("?") and _QUESTION_WORDS.match(sentence)):
        return found is not None
    return not (_REFUSAL.search(sentence[: found.start()]) or _DENIAL_AFTER.match(sentence, found.end()))


# The first match decides, so specific rules come before general ones.
GRADING_RULES = (
    _grading_rule(r"one question at a time", r"\?[\s\S]+\?", is_forbidden=True),
    _grading_rule(r"no judge?ment|no lecture|professional role", LECTURING.pattern, is_forbidden=True),
    _grading_rule(
        r"promises nothing|cannot be kept",
        r"\bi promise\b|\b(?:won't|will not|never) tell (?:anyone|anybody|a soul)|"
        r"\beverything will be (?:ok|okay|fine|all ?right)",
        is_forbidden=True,
    ),
    _grading_rule(
        r"glad the caller|they care",
        r"\bglad (?:that )?you(?:(?:'re| are) here|(?:'ve| have)? (?:\w{1,20}+ ){0,2}(?:call|wr[io]t|reach|t[eo]l[dl]|"
        r"c[ao]me|shar|said|trust|got|decid|pick|talk|contact))|\b(?:i|we) (?:really |do )?care\b|"
        r"\bthank you for (?:calling|reaching|writing|telling|trusting)",
        "It tells the caller that reaching out was right.",
    ),
    _grading_rule(
        r"reach(ed)? out now|made the caller|reason for",
        r"\bwhat(?:'s| is| has)? (?:made you|brings you|brought you|happened|been happening|going on)\b|"
        r"\bwhy now\b",
        "The caller can begin where it hurts tonight.",
    ),
    _grading_rule(
        r"sums? up (?:along|what was understood)|along the way",
        r"\b(?:so far,? (?:i|you)|let me (?:see|make sure)|what i(?:'ve| have)? hear\w*|what i understood|"
        r"you(?:'ve| have) told me)\b",
        "The caller hears what was understood, and can correct it.",
    ),
    _grading_rule(
        r"summing up what was agreed",
        r"\b(?:we (?:have )?agreed|our plan is|so the plan is|to sum up)\b",
        "The caller knows what was agreed.",
    ),
    _grading_rule(
        r"next steps? together",
        r"\b(?:(?:shall|could|can|should) we|let's|we (?:could|agreed|have agreed)|would it help|what would help|"
        r"could you|would you be (?:willing|able|open)|how about|next step|our plan|the plan is|together)\b",
        "A caller is more likely to take a step they helped choose.",
    ),
    _grading_rule(
        r"reach the line again|be in touch",
        r"\b(?:(?:call|write|text|reach) (?:us|me|back|again|this line)|(?:we're|we are) (?:always )?here|any ?time)\b",
        "The caller knows that the line stays open.",
    ),
    _grading_rule(
        r"person, place or service|resource|referral",
        r"\b(?:988|911|clinic|hospital|therapist|doctor|shelter|support group|care navigator|hotline|"
        r"your (?:sister|brother|mother|father|friend|partner))\b",
        "The caller has someone to turn to when this conversation is over.",
    ),
    _grading_rule(
        r"how (strong|often)|since when",
        r"how (strong|often|long)|since when|come and go",
        "How strong and how old a thought is says how near it is.",
    ),
    _grading_rule(
        r"a plan or an intent|about desire, plan",
        r"\b(a plan (?:to(?! (?:stay|keep|be|get|help|make))|for how|how)|"
        r"how you would|how would you|planned to|when would|thought about how)\b|a plan\?",
        "A plan that is spoken of can be talked about.",
    ),
    _grading_rule(
        r"what is within reach|earlier attempts",
        r"\b(within reach|in the house|with you right now|tried before|drunk|been drinking|taken anything)\b",
        "What is near in a bad moment decides much.",
    ),
    _grading_rule(
        r"held the caller back|keeps them going|held back",
        r"\b(kept you|held you back|holds you back|keeps you going|keep going|what stops you)\b",
        "What has held so far may hold tonight.",
    ),
    _grading_rule(
        r"out of reach|keeps it away",
        r"\b(out of reach|lock\w* (it|them) away|give (it|them) to|keep (it|them) for you)\b",
        "A little distance to the means saves lives.",
    ),
    _grading_rule(
        r"suicid|self-harm|kill|direct(ly)? ask",
        r"suicid|kill\w{0,20}+ yourself|want\w{0,20}+ to die|end\w{0,20}+ your life|hurt\w{0,20}+ yourself",
        "Asking plainly shows that the hardest thing may be said here.",
    ),
    _grading_rule(
        r"open(-| )?(ended)? ?question|open question",
        r"\b(what|how|tell me|could you say more)\b",
        "An open question leaves the caller room to tell it in their own way.",
    ),
    _grading_rule(
        r"reflect|validat|empath|feeling|listen",
        r"\b(sounds? \w+|that must|it must|(?<!\bi )must (be|feel|have)|i hear|i can hear|makes sense|"
        r"i'm (so |really )?sorry)",
        "Being understood before anything is suggested lets a caller go on.",
    ),
    _grading_rule(
        r"safe|plan|danger|risk|within reach",
        r"\b(safe|safely|safety|within reach|in the house|danger|until morning|(?:be|stay) with you)\b",
        "It brings the next hours into view, together with the caller.",
    ),
    _grading_rule(
        r"clos|end(s|ing)? (the|by)|follow|next step|summ(ar|ing)",
        r"\b(call (us|back|again|this line)|next step|follow up|we agreed|take care|any ?time|tomorrow)\b",
        "The caller knows what happens next.",
    ),
    _grading_rule(
        r"introduc|greet|says who they are|open(s|ing)? the (call|chat)",
        r"\b(my name|hello|hi|hey|good (morning|afternoon|evening)|you've reached)\b",
        "The caller knows at once that a person is there.",
    ),
)

# A check that begins with "When …" applies if the caller's words match. The first condition that matches decides.
CONDITIONS = (
    (
        re.compile(r"within reach|dangerous", re.IGNORECASE),
        re.compile(r"\b(?:pills?|tablets|gun|knife|rope|razor|bridge|bottle)\b", re.IGNORECASE),
    ),
    (
        re.compile(r"suicid|death|risk|hopeless", re.IGNORECASE),
        re.compile(
            r"suicid|kill(?:ing)? myself|(?:want(?:ed)? to|wanna) die|end (?:it|my life)|can't (?:go on|take it)|"
            r"no point|hopeless|want to (?:be here|live|wake up)|"
            r"not (?:to )?be here|wasn't here|better off|hurt(?:ing)? myself|pills",
            re.IGNORECASE,
        ),
    ),
    (
        re.compile(r"agitated|panick", re.IGNORECASE),
        re.compile(r"panic|can't (?:breathe|calm)|shaking|!!|heart is racing", re.IGNORECASE),
    ),
)
YES = re.compile(r"\W{0,20}+(?:yes|yeah|yep|sometimes|maybe|i (?:am|do|have)\W{0,20}+$|i guess)", re.IGNORECASE)


def rule_for(check: str) -> GradingRule | None:
    """Return the first rule for a check, or None."""
    return next((rule for rule in GRADING_RULES if rule.check_pattern.search(check)), None)
