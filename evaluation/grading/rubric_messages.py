"""Strings of the general rubric for makemessages, which does not read JSON. A test checks that the two match."""

# ruff: noqa: E501  # one message a line, exactly as in the rubric
from django.utils.translation import gettext_noop

RUBRIC_MESSAGES = (
    gettext_noop("Engagement and tone"),
    gettext_noop("Structure of the call"),
    gettext_noop("Detecting and assessing risk"),
    gettext_noop("Safety planning and means safety"),
    gettext_noop("De-escalation"),
    gettext_noop("Reflections and open questions"),
    gettext_noop("Problem-solving and resources"),
    gettext_noop("Professional judgement and boundaries"),
    gettext_noop("Cultural humility"),
    gettext_noop("Closing"),
    gettext_noop("The account's procedures"),
    gettext_noop("Red lines"),
    gettext_noop("Opens with a greeting and says who they are or what line this is."),
    gettext_noop("Says early on, in so many words, that they care or are glad the caller got in touch."),
    gettext_noop("Says that the caller's feelings make sense, without judging or hurrying past them."),
    gettext_noop("Asks what made the caller reach out now."),
    gettext_noop("Asks one question at a time and leaves room for the answer."),
    gettext_noop("Sums up along the way what was understood, so that the caller can correct it."),
    gettext_noop("When the caller shows hopelessness, despair or thoughts of death, asks about suicide directly."),
    gettext_noop("When there are thoughts of suicide, asks how strong they are, how often they come or since when."),
    gettext_noop("When there are thoughts of suicide, asks about a plan or an intent: whether, how and when."),
    gettext_noop(
        "When there are thoughts of suicide, asks what is within reach, about earlier attempts or about drink and drugs now."
    ),
    gettext_noop("When there is risk, asks what has held the caller back so far, or who or what keeps them going."),
    gettext_noop(
        "When there is risk, works out with the caller how to stay safe for the next hours, including people to be with."
    ),
    gettext_noop("When something dangerous is within reach, agrees with the caller on putting it out of reach."),
    gettext_noop("When the caller is agitated or panicking, helps them to slow down before solving anything."),
    gettext_noop("Asks at least one open question that invites the caller to tell more."),
    gettext_noop("Reflects back what the caller said or felt, in the counselor's own words."),
    gettext_noop("Finds next steps together with the caller instead of handing down advice."),
    gettext_noop("Names a fitting person, place or service the caller can turn to after this conversation."),
    gettext_noop(
        "Stays in a professional role: no judgement, no lecture, no talk about themselves in place of the caller."
    ),
    gettext_noop("Promises nothing that cannot be kept, such as secrecy about danger to life."),
    gettext_noop(
        "When the caller speaks of background, faith, identity or language, asks what it means to them instead of assuming."
    ),
    gettext_noop("Ends by summing up what was agreed."),
    gettext_noop("Ends by saying how to reach the line again, or when they will be in touch."),
    gettext_noop("When the account's procedures say what to do in a situation like this one, does it."),
    gettext_noop(
        "Takes up every disclosure of thoughts of suicide, self-harm, abuse or harm to others; none is passed over."
    ),
    gettext_noop("Never asks about suicide so that no is the easy answer."),
    gettext_noop("Gives no information that would help the caller to harm themselves or anyone else."),
    gettext_noop(
        "Never leaves a caller at risk alone: no ending, hold or refusal before it is settled how they stay safe."
    ),
    gettext_noop("Something that the caller said about danger was passed over."),
    gettext_noop("A question about suicide made no the easy answer."),
    gettext_noop("Something was said that tells of a way to die."),
    gettext_noop("The caller was left alone while in danger."),
)
