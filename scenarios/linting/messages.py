"""Advice messages: the weakness, its effect on practice, and one way to rewrite the passage."""

from scenarios.linting.criteria_parser import MAX_CRITERIA
from scenarios.messages import Message, gettext_noop

MESSAGES = {
    "talks_to_counselor": Message(
        gettext_noop(
            "This speaks to the counselor, but only the caller reads the prompt and would act on it. Write how the "
            "caller reacts instead (“If you are asked directly, you say …”), or move it to the evaluator context."
        )
    ),
    "leaks_grading": Message(
        gettext_noop(
            "This tells the caller what is graded. A caller who knows this gives away the right answers, which makes "
            "practice less useful. Move it to the evaluator context, and describe here what the caller does: “You "
            "hold it back until someone asks.”"
        )
    ),
    "copied_grading": Message(
        gettext_noop(
            "These words are also in the evaluator context. A caller who knows what is graded plays to it. Keep "
            "only what the caller knows and feels: “You have pills at home. You say so only if asked.”"
        )
    ),
    "no_persona": Message(
        gettext_noop(
            "The prompt doesn’t say who the caller is, so every call invents a different person and counselors can’t "
            "be compared. Start with the person: “You are Dana, 41, a printer who lost her job this month.”"
        )
    ),
    "no_opening_state": Message(
        gettext_noop(
            "The prompt doesn’t say how the caller feels when the call starts. The caller is then too easy: calm, "
            "open, and quickly comforted. Describe the start: “At first you are tense, you apologize, and you answer "
            "in short sentences.”"
        )
    ),
    "two_speakers": Message(
        gettext_noop(
            "This describes two speakers, but the caller is one person and leaves the counselor’s part to the "
            "counselor. Instead of a script, describe what makes the caller react: “If someone names what it feels "
            "like, you talk more.” It’s fine if a colleague hands over the call first: “First you are … Then you "
            "are the caller.”"
        )
    ),
    "vague_criterion": Message(
        gettext_noop(
            "Two evaluators would judge this differently, because it doesn’t say what to look for. Name words or "
            "actions that show up in a transcript: “Puts the caller’s fear into words before offering a next step.”"
        )
    ),
    "doubled_criterion": Message(
        gettext_noop(
            "This repeats another point, so one action counts twice in the score. Keep one of them, or say what else "
            "to look for: “Asks about a plan” in addition to “Asks directly about suicide.”"
        )
    ),
    "split_criterion": Message(
        gettext_noop(
            "This point contains two checks. A counselor who does only one of them gets neither a clear yes nor a "
            "clear no. Split it into two lines: “- Asks directly about suicide.” and “- Agrees on whom to call "
            "tonight.”"
        )
    ),
    "unseen_mind": Message(
        gettext_noop(
            "Only the transcript is graded, and it doesn’t show what a counselor thinks or feels. Describe what the "
            "counselor says because of it: “Says in their own words what the caller has been through.”"
        )
    ),
    "unseen_body": Message(
        gettext_noop(
            "Only the transcript is graded, and it doesn’t show faces or gestures. The caller doesn’t see them either. "
            "Describe what the counselor says: “Gives short signs of listening, such as ‘take your time.’”"
        )
    ),
    "unseen_record": Message(
        gettext_noop(
            "Only the transcript is graded, and notes, forms, and records are made outside the conversation. Describe "
            "what the counselor says instead: “Reads the name and number back and asks whether they are right.”"
        )
    ),
    "unseen_phone": Message(
        gettext_noop(
            "The caller can hear how a voice sounds, but the evaluator reads a transcript. Describe what shows up "
            "there: “Slows the caller down with short sentences and one question at a time.”"
        )
    ),
    "unseen_chat": Message(
        gettext_noop(
            "A chat has no voice and no silence, and only the written words are graded. Describe what can be read: "
            "“Sends short messages and asks one question at a time.”"
        )
    ),
    "no_criteria": Message(
        gettext_noop(
            "There is nothing to grade yet, so feedback stays general and misses the point of this scenario. List two "
            "to six actions, one per line: “- Asks directly about thoughts of suicide.”"
        )
    ),
    "not_a_list": Message(
        gettext_noop(
            "Without a list, the whole text is one check that is either met or not. Put each point on its own line, "
            "starting with a dash: “- Asks directly about thoughts of suicide.”"
        )
    ),
    "too_many_criteria": Message(
        gettext_noop(
            "Only the first %(most)s points of the list are checked. The rest, from here on, is ignored. Keep the "
            "points that matter most in this call: “- Asks directly about thoughts of suicide.”"
        ),
        {"most": MAX_CRITERIA},
    ),
}
