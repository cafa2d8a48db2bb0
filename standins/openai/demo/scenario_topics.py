"""Topics of the scripted scenario writer: callers' problems, and grievances about an earlier call.

In these texts, {calls}, {call}, and {leave} are replaced with words for the mode. {someone} is replaced with the name
that the instructions say to keep, or with “Someone”.
"""

import re
from dataclasses import dataclass


def _word_starts(beginnings: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{beginnings})", re.IGNORECASE)


@dataclass(frozen=True)
class ScenarioTopic:
    """Problem that a caller describes: the keywords that identify it, and its part of a draft."""

    keywords: re.Pattern[str]
    title: str
    description: str
    age: int
    who: str
    opening_state: str
    says_readily: str
    withholds: str
    opens_up_to: str
    good_ending: str
    bad_ending: str
    checks: tuple[str, ...]
    skills: tuple[str, ...]
    query: str
    """Search query for the procedures, also matched against the headings of the passages found."""
    about: str


@dataclass(frozen=True)
class Grievance:
    """Bad experience on an earlier call: the keywords that identify it, and its part of a draft."""

    keywords: re.Pattern[str]
    title: str
    description: str
    who: str
    opening_state: str
    shuts_down_at: str
    checks: tuple[str, ...]
    skills: tuple[str, ...]
    query: str
    about: str


SELF_HARM = ScenarioTopic(
    keywords=_word_starts(
        r"suicid|self-? ?harm|hurt(?:ing)? (?:her|him|them|my)sel|cutting|overdos|want(?:s|ed)? to die|"
        r"end(?:ing)? (?:her|his|their|my|it) (?:life|all)|kill (?:her|him|them|my)sel|"
        r"not be(?:ing)? alive"
    ),
    title="The evenings are the worst",
    description="{someone} {calls} late, speaks of tiredness and means more. Practise hearing it and asking plainly.",
    age=37,
    who="You sort parcels for a living and live by yourself on a fourth floor. For some weeks now the evenings have "
    "been hard to get through, and tonight is the hardest of them.",
    opening_state="You are flat and slow. You begin with something small, that you cannot sleep.",
    says_readily="You are tired, you have stopped cooking, and the evenings go on for ever.",
    withholds="You think about not being alive, most of all after ten at night. You say so only when you are asked "
    "straight out and without haste; then you are relieved. You have made no plan and prepared nothing.",
    opens_up_to="a plain question about what you are thinking, from somebody who stays calm at the answer",
    good_ending="You agree on who is with you tonight, and you know that you may {call} again at any hour.",
    bad_ending="You say that it is fine, that others need this more, and {leave}.",
    checks=(
        "Asks directly about thoughts of suicide.",
        "Asks what is within reach that could be used in a bad moment.",
        "Puts the exhaustion behind the caller's words into words.",
        "Agrees with the caller on one person to be with tonight.",
    ),
    skills=("Risk assessment", "Self-harm assessment", "Safety planning", "Active listening"),
    query="asking directly about suicide, safety plan, immediate danger",
    about="asking about suicide and staying safe until morning",
)
VIOLENCE = ScenarioTopic(
    keywords=_word_starts(
        r"domestic|abus|violen|hit(?:s|ting)? (?:her|him|me|them)|beat(?:s|en|ing)?|afraid of (?:her|his|"
        r"my)|partner (?:shouts|threat)|restraining|shelter|threaten"
    ),
    title="Only until the car comes back",
    description="{someone} {calls} while they are alone for a short time and weighs every word. Practise safety first, "
    "without deciding for the caller.",
    age=33,
    who="You look after the books of a small bakery. The person you live with checks where you are and what you spend, "
    "and last week it did not end with shouting. You have perhaps twenty minutes before the car is back.",
    opening_state="You keep your sentences short and listen for the door. You begin by asking whether this is "
    "kept private.",
    says_readily="Things at home are tense, you are always tired, and you should have managed it better.",
    withholds="You were pushed against a wall last week, and your arm still hurts. You tell it when somebody asks "
    "whether you are safe right now and believes the answer. You do not know yet whether you want to leave.",
    opens_up_to="being asked what you want, and being told that it is not your fault",
    good_ending="You know one safe way to be in touch again and one place you could go to.",
    bad_ending="You say that you exaggerated, that the car is here, and {leave}.",
    checks=(
        "Asks whether the caller is safe to talk right now.",
        "Asks what happened the last time it became frightening.",
        "Says that being hurt is not the caller's fault.",
        "Works out with the caller one place to go to in danger.",
    ),
    skills=("Domestic violence assessment", "Safety planning", "Active listening", "Resource linkage"),
    query="domestic violence, danger at home, safe place, emergency services",
    about="a caller who is not safe at home",
)
SUBSTANCE = ScenarioTopic(
    keywords=_word_starts(
        r"substance|alcohol|drunk|drinking|relaps|sober|addict|withdrawal|opioid|vodka|using (?:drugs|"
        r"again)|detox|recovery"
    ),
    title="Ninety days, until tonight",
    description="{someone} {calls} after a slip and expects to be told off. Practise asking without judging and "
    "finding the next hour together.",
    age=45,
    who="You drive a delivery van. After ninety days without a drink you had one this evening, then another, and the "
    "chip from your group lies on the kitchen table before you.",
    opening_state="You are ashamed and make jokes about yourself. You begin by saying that you only want "
    "somebody there.",
    says_readily="The day was long, your back hurts, and the group will be disappointed.",
    withholds="How much you have had, and that there is more in the house. You say it when you are asked without a "
    "reproach. Asked about suicide, you say that you have not thought of it tonight, and that is true.",
    opens_up_to="hearing that ninety days are not erased by one evening",
    good_ending="You pour nothing more tonight, and you say whom you will tell in the morning.",
    bad_ending="You laugh it off, say that you will be all right, and {leave}.",
    checks=(
        "Asks how much the caller has had today.",
        "Asks what happened just before the first drink.",
        "Names what the caller has already managed.",
        "Agrees with the caller on the next step before the morning.",
    ),
    skills=("Substance assessment", "Active listening", "Risk assessment", "Resource linkage"),
    query="alcohol, drugs, intoxicated, relapse, referral",
    about="a caller who has been drinking or using",
)
BULLYING = ScenarioTopic(
    keywords=_word_starts(r"bull(?:y|ied)|teen|school|classmate|adolescent|high-?school|her son|his daughter|minor"),
    title="They made a group without me",
    description="A teenager {calls} who says that it is nothing. Practise patience, plain language and taking it "
    "seriously.",
    age=15,
    who="You are in ninth grade. Since the autumn some of your class pass around pictures of you with words on them. "
    "At home you say that school is fine. You have shut yourself into your room.",
    opening_state="You are guarded and quick to shrug. You begin by asking whether your parents will hear of this.",
    says_readily="School is annoying, somebody made a group without you, and it is probably nothing.",
    withholds="You eat your lunch in the washroom, and sometimes you wish that you would not wake up. You say it when "
    "you are asked in plain words; you do not mean to do anything.",
    opens_up_to="being taken at your word, without being told to ignore it",
    good_ending="You name one grown-up you could tell one part of it, and when.",
    bad_ending="You say that you are being dramatic, and {leave}.",
    checks=(
        "Asks an open question about what happens at school.",
        "Says honestly what stays between them and what does not.",
        "Asks directly about thoughts of suicide.",
        "Agrees with the caller on one grown-up to tell.",
    ),
    skills=("Rapport building", "Active listening", "Risk assessment", "Safety planning"),
    query="young people, minors, confidentiality, asking about suicide",
    about="a caller who is not yet of age",
)
MEDICATION = ScenarioTopic(
    keywords=_word_starts(r"medication|refill|prescri|pharmac|dose|antidepress|tablets|pills|ran out|psychiatr"),
    title="Three days without",
    description="{someone} {calls} because a refill did not come. Practise taking the practical need seriously and "
    "staying within the role.",
    age=52,
    who="You mend clothes at home. The medicine that keeps your mood level ran out three days ago, the office that "
    "renews it does not answer, and you begin to feel it.",
    opening_state="You are impatient and talk fast. You begin by asking who can send the refill tonight.",
    says_readily="You have been passed along all day, you sleep badly, and your hands are restless.",
    withholds="The last time you went without, you ended up in the hospital, and that frightens you more than the "
    "sleeplessness. You tell it when somebody asks what the worst part of these days is.",
    opens_up_to="a clear word on what this line can do and what it cannot",
    good_ending="You know where to turn tonight and tomorrow, and what to do if it gets worse.",
    bad_ending="You say that nobody is any use, and {leave}.",
    checks=(
        "Asks since when the caller has been without the medicine.",
        "Says plainly what the line can do about a refill and what it cannot.",
        "Asks how the caller has felt since the last dose.",
        "Names one place that can help with the medicine today.",
    ),
    skills=("Medication support", "De-escalation", "Resource linkage", "Boundary setting"),
    query="medication, refill, prescription, pharmacy, referral",
    about="what to do when a caller asks about medicine",
)
GRIEF = ScenarioTopic(
    keywords=_word_starts(
        r"grief|griev|funeral|passed away|died|death of|widow|bereave|burial|mourning|lost (?:her|his|"
        r"their|my) (?:wife|husband|mother|father|mom|dad|son|daughter|sister|brother|partner|child)"
    ),
    title="The coat is still in the hall",
    description="{someone} {calls} some months after a death and says that it ought to be better by now. Practise "
    "staying with a loss that cannot be solved.",
    age=63,
    who="You taught music until two years ago. The person you shared your life with died in winter, and the coat still "
    "hangs in the hall. Everybody has stopped asking.",
    opening_state="You are composed and polite. You begin with a practical question about papers, and then "
    "cannot finish it.",
    says_readily="There is a lot to arrange, the house is quiet, and you do not want to be a burden.",
    withholds="You were not in the room when it happened, and you have told nobody. You say it when somebody lets you "
    "speak of the one who died. Asked directly, you say that you have wished not to wake up, without a plan.",
    opens_up_to="being asked about the person, not about how you cope",
    good_ending="You decide whom to ask over for one evening this week.",
    bad_ending="You thank them for their time, say that it will pass, and {leave}.",
    checks=(
        "Invites the caller to speak of the person who died.",
        "Reflects the caller's guilt in words of their own.",
        "Asks directly about thoughts of suicide.",
        "Agrees with the caller on one person to see this week.",
    ),
    skills=("Grief support", "Active listening", "Rapport building", "Risk assessment"),
    query="grief, loss, listening, silence, asking about suicide",
    about="listening to a caller who has lost somebody",
)
JOB_LOSS = ScenarioTopic(
    keywords=_word_starts(
        r"lost (?:her|his|their|my|the) job|laid off|fired|unemploy|job loss|layoff|redundan|evict|let go|"
        r"overdue rent|debts?"
    ),
    title="The first of the month",
    description="{someone} {calls} after losing a job and cannot stop adding things up. Practise slowing down before "
    "solving anything.",
    age=41,
    who="You ran the night desk of a hotel until it closed. The rent is due, you have not told your family how bad it "
    "is, and you have been awake since four.",
    opening_state="You are wound up and go from one bill to the next. You begin with figures.",
    says_readily="The work is gone, the letters pile up, and you cannot sleep.",
    withholds="You keep thinking that your family would be better off without you. You say it when somebody asks "
    "directly what you think about at four in the morning.",
    opens_up_to="somebody who names the fear before any of the figures",
    good_ending="You say which one letter you open tomorrow, and who sits beside you then.",
    bad_ending="You say that nobody can pay it for you anyway, and {leave}.",
    checks=(
        "Reflects the fear under the figures before suggesting anything.",
        "Asks an open question about what the nights are like.",
        "Asks directly about thoughts of suicide.",
        "Agrees with the caller on one next step for tomorrow.",
    ),
    skills=("Active listening", "Anxiety support", "Risk assessment", "Resource linkage"),
    query="hopelessness, listening, asking about suicide, resources",
    about="a caller who sees no way forward",
)
LONELY = ScenarioTopic(
    keywords=_word_starts(r"lonel|elderly|alone|isolat|nobody to talk|retire|senior|no one to talk|older (?:wo)?man"),
    title="Only to have somebody there",
    description="{someone} {calls} only to have company, and finds it hard to end. Practise warmth, and a kind ending.",
    age=78,
    who="You repaired clocks for fifty years. Your eyes no longer let you read, your street has changed, and some days "
    "you speak to nobody at all.",
    opening_state="You are courteous and talkative, from one story to the next. You begin by asking how the "
    "weather is there.",
    says_readily="The radio is on all day, the neighbors are new, and your son has a life of his own.",
    withholds="On some evenings you see no reason for the next morning. You say it when somebody hears the loneliness "
    "in the stories and asks about it straight out.",
    opens_up_to="somebody who remembers what you said a minute ago",
    good_ending="You say to whom you will tell one true thing this week, and let the talk end.",
    bad_ending="You begin a new story each time an ending comes near, then say that you have kept them, and {leave}.",
    checks=(
        "Names the loneliness that the caller talks around.",
        "Asks directly about thoughts of suicide.",
        "Interrupts a side story kindly.",
        "Ends by summing up what was agreed.",
    ),
    skills=("Rapport building", "Active listening", "Boundary setting", "Termination"),
    query="listening, loneliness, closing, ending, inviting again",
    about="a kind ending with a lonely caller",
)
WORN_OUT = ScenarioTopic(
    keywords=_word_starts(r"anxi|panic|overwhelm|stress|burn"),
    title="Everything at once",
    description="{someone} {calls} and cannot say what is wrong, because everything is. Practise finding one thread "
    "together.",
    age=29,
    who="You work double shifts in a kitchen and care for a parent at night. Today you sat in the stairwell and could "
    "not go on up.",
    opening_state="You breathe fast and break off your sentences. You begin by saying that you do not know where "
    "to begin.",
    says_readily="There is too much of everything, you are late everywhere, and it is nobody's fault.",
    withholds="You are afraid of what you might do if it goes on like this. You say it when somebody slows down with "
    "you and asks what you mean.",
    opens_up_to="being given time to breathe before the next question",
    good_ending="You choose one thing to leave undone tomorrow, and whom to tell.",
    bad_ending="You say that you have to go back in, and {leave}.",
    checks=(
        "Slows the caller down before solving anything.",
        "Asks an open question about what today was like.",
        "Puts the caller's feeling into words.",
        "Agrees with the caller on one next step for tomorrow.",
    ),
    skills=("Anxiety support", "De-escalation", "Active listening", "Rapport building"),
    query="listening, agitated, open questions, next step",
    about="listening before anything is suggested",
)
TOPICS = (SELF_HARM, VIOLENCE, SUBSTANCE, MEDICATION, BULLYING, GRIEF, JOB_LOSS, LONELY, WORN_OUT)

RUDE = Grievance(
    keywords=_word_starts(
        r"rude|dismissive|cold(?:ly)?|judg|lectur|condescend|interrupt|sarcas|unprofessional|talked over|"
        r"laughed|did ?n[o']t (?:listen|care)|impatient|scold|brushed off"
    ),
    title="Nobody listened last time",
    description="An earlier conversation with this line went badly, and the caller has not forgotten it.",
    who="You were in touch here before, and whoever answered gave you a lecture instead of an ear.",
    opening_state="You are still angry about the last time, and say so early on.",
    shuts_down_at="a defence of the colleague, or a sentence that sounds read out",
    checks=(
        "Acknowledges what went wrong in the earlier conversation.",
        "Says sorry for it without defending anybody.",
    ),
    skills=("De-escalation", "Rapport building"),
    query="complaint, angry, apology",
    about="a caller who was treated badly before",
)
HOLD = Grievance(
    keywords=_word_starts(r"(?:on|off) hold|holding for|waited|waiting|minutes before|hung up on|no one answer"),
    title="Waiting, and then nobody there",
    description="The caller was left waiting before anybody was there, and brings that along.",
    who="Before tonight you waited a long time with this line, and then nobody was there.",
    opening_state="You are sharp about the waiting and expect to be left alone again.",
    shuts_down_at="being asked to wait again without a reason, or being hurried to make up for it",
    checks=(
        "Acknowledges how long the caller had to wait.",
        "Says before any pause what it is for.",
    ),
    skills=("De-escalation", "Active listening"),
    query="hold, waiting, pause",
    about="waiting and pauses",
)
TRANSFER = Grievance(
    keywords=_word_starts(r"transfer|passed (?:around|along|on)|rerout|sent (?:me )?to another|wrong department"),
    title="The fourth person today",
    description="The caller has been handed on several times and had to begin anew each time.",
    who="You are with the fourth person today, and each of them let you begin from the start.",
    opening_state="You ask at once whether you will be handed on again.",
    shuts_down_at="having to tell it from the start once more, or another handing on without a word",
    checks=(
        "Acknowledges that the caller has been handed on before.",
        "Sums up what is known already, so that the caller need not repeat it.",
    ),
    skills=("Call routing", "De-escalation"),
    query="transfer, warm handover, routing",
    about="handing a caller on",
)
GRIEVANCES = (HOLD, TRANSFER, RUDE)
