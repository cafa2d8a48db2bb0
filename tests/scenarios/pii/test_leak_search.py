from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scenarios.pii import PIIKind, PIIMatch, detect_identifiers, find_leaked_pii

TODAY = date(2026, 6, 1)
NAME, NUMBER, ADDRESS, BIRTHDAY, EMPLOYER, CONTACT = PIIKind


def found_in(source: str, draft: str) -> list[tuple[PIIKind, str]]:
    return [(found.kind, found.text) for found in find_leaked_pii(source, {"prompt": draft}, today=TODAY)]


BOTH_COUSINS = [(NAME, "Deshawn"), (NAME, "Trey")]

# (source, draft, passages of the draft that identify the person)
MUST_FIND = [
    # names: by position and form
    ("Sarah called about a bill.", "You are Sarah, worried about a bill.", [(NAME, "Sarah")]),
    ("Sarah called about a bill.", "Sarah, 34, is worried.", [(NAME, "Sarah")]),
    ("Tamsin called about a bill.", "Your name is Tamsin.", [(NAME, "Tamsin")]),
    ("Yesterday I reached Tamsin at the desk.", "Ask for Tamsin.", [(NAME, "Tamsin")]),
    ("The member, Dwayne Okafor, cried.", "You are Dwayne.", [(NAME, "Dwayne")]),
    ("The member, Dwayne Okafor, cried.", "Mr. Okafor cried.", [(NAME, "Okafor")]),
    ("The member, Dwayne Okafor, cried.", "You are Dwayne Okafor now.", [(NAME, "Dwayne Okafor")]),
    ("my name is sarah miller and i am upset", "Sarah Miller is upset.", [(NAME, "Sarah Miller")]),
    ("my name is zuzka and i am upset", "Zuzka is upset.", [(NAME, "Zuzka")]),
    ("i spoke with tom for an hour", "Tom was short with you.", [(NAME, "Tom")]),
    ("i talked to quillan for an hour", "Quillan was short with you.", [(NAME, "Quillan")]),
    ("her son kevin stopped eating", "Your son Kevin stopped eating.", [(NAME, "Kevin")]),
    ("her son kevin stopped eating", "your son kevin stopped eating", [(NAME, "kevin")]),
    ("hi its deshawn, my cousin trey got shot", "You are Deshawn. Your cousin Trey was shot.", BOTH_COUSINS),
    ("Faith, who answered, sighed.", "You were told by Faith to wait.", [(NAME, "Faith")]),
    ("Tova Lindqvist was upset.", "You are Tova. Tova weeps.", [(NAME, "Tova"), (NAME, "Tova")]),
    ("It was Mr. Strong who hung up.", "The counselor, Mr. Strong, hung up.", [(NAME, "Strong")]),
    ("It was mrs. day who hung up.", "Then Mrs. Day hung up.", [(NAME, "Day")]),
    ("Ms. Abernathy was rude.", "You dislike Abernathy.", [(NAME, "Abernathy")]),
    ("Dr. Patel prescribed it.", "A doctor named Patel prescribed it.", [(NAME, "Patel")]),
    ("Officer Brandt came to the door.", "Brandt came to the door.", [(NAME, "Brandt")]),
    ("Counselor Yoon laughed at me.", "A counselor, Yoon, laughed.", [(NAME, "Yoon")]),
    ("Ann Smith-Jones phoned.", "Mrs. Jones phoned.", [(NAME, "Jones")]),
    ("Ann Smith-Jones phoned.", "You are Ann Smith Jones here.", [(NAME, "Ann Smith Jones")]),
    ("Pat O'Brien phoned.", "You are an O’Brien by birth.", [(NAME, "O’Brien")]),
    ("Sarah's bill was wrong.", "That is Sarah's bill.", [(NAME, "Sarah")]),
    ("José phoned twice.", "Your brother Jose phoned.", [(NAME, "Jose")]),
    ("Jose phoned twice.", "Your brother Jose\u0301 phoned.", [(NAME, "Jose\u0301")]),
    ("MARY LOPEZ CALLED US ABOUT HER BILL", "Mary is worried, says Lopez.", [(NAME, "Mary"), (NAME, "Lopez")]),
    ("THE MEMBER, SHANTELLE, WAS UPSET", "You are Shantelle.", [(NAME, "Shantelle")]),
    ("We heard from Renata Quist.", "RENATA is worried.", [(NAME, "RENATA")]),
    ("J.R. Watkins complained.", "Play J.R. Watkins here.", [(NAME, "J.R. Watkins")]),
    ("J.R. Watkins complained.", "Friends say J.R. to you.", [(NAME, "J.R")]),
    ("J.R. Watkins complained.", "The Watkins family is angry.", [(NAME, "Watkins")]),
    ("Maria de la Cruz phoned.", "You are Maria de la Cruz today.", [(NAME, "Maria"), (NAME, "Cruz")]),
    ("I asked Grace to ring me.", "Your friend Grace rings you.", [(NAME, "Grace")]),
    ("I asked Hope to ring me.", "Hope is your sister.", [(NAME, "Hope")]),
    ("He told Rose everything.", "You told Rose and lost her.", [(NAME, "Rose")]),
    ("She gave Mark the phone.", "You gave Mark the phone.", [(NAME, "Mark")]),
    ("Her aunt May raised her.", "Your aunt May raised you.", [(NAME, "May")]),
    ("Will called us at night.", "You live with Will now.", [(NAME, "Will")]),
    ("Name: Tova Lindqvist\r\nCaller was upset.", "Tova\r\nis upset.", [(NAME, "Tova")]),
    ("The Hendersons were loud.", "The Hendersons are loud.", [(NAME, "Hendersons")]),
    ("my name is zuzka quill and i cry", "Zuzka works at night.", [(NAME, "Zuzka")]),
    ("Ms. Abernathy was rude.", "you dislike abernathy", [(NAME, "abernathy")]),
    ("I asked Hope to ring me.", "Hope apologized twice.", [(NAME, "Hope")]),
    ("my ex grant waits outside", "Your ex, Grant, waits outside.", [(NAME, "Grant")]),
    ("i talked to grace for an hour", "You waited for Grace.", [(NAME, "Grace")]),
    ("Kwabena-Luc (KL) Asante phoned.", "You are KL and angry.", [(NAME, "KL")]),
    ('Ottoline "Otti" Brandt phoned.', "Your friend Otti is here.", [(NAME, "Otti")]),
    # numbers
    ("Call her at 555-0142.", "Reach me at (602) 555-0142.", [(NUMBER, "555-0142")]),
    ("Call her at (602) 555-0142.", "Reach me at 555-0142.", [(NUMBER, "555-0142")]),
    ("Call her at (555) 0142.", "Reach me at 5550142.", [(NUMBER, "5550142")]),
    ("Call her at 5550142.", "Reach me at 555 0142, please.", [(NUMBER, "555 0142")]),
    ("Call her at 602.555.0142.", "It is +1 602 555 0142.", [(NUMBER, "+1 602 555 0142")]),
    ("Her member id is AB-20391-X.", "Your id is AB20391X.", [(NUMBER, "AB20391X")]),
    ("Her member id is AB-20391-X.", "Your id is 20391.", [(NUMBER, "20391")]),
    ("SSN 123-45-6789 on file.", "Say 123 45 6789 if asked.", [(NUMBER, "123 45 6789")]),
    ("SSN 123-45-6789 on file.", "The last four are 6789.", [(NUMBER, "last four are 6789")]),
    ("She has badge 447.", "You ask for badge #447.", [(NUMBER, "badge #447")]),
    ("Policy no. ZT 8841 lapsed, ext. 4417.", "They ended ZT 8841 at 4417.", [(NUMBER, "ZT 8841"), (NUMBER, "4417")]),
    ("Case #82 was closed.", "They closed case number 82.", [(NUMBER, "case number 82")]),
    ("Ticket 4471 was closed.", "They closed 4471.", [(NUMBER, "4471")]),
    ("Member QRT 8812 40 7 called.", "Say QRT881240 7 if asked.", [(NUMBER, "QRT881240 7")]),
    ("Her car, plate is wxz 41f.", "Your car is WXZ-41F.", [(NUMBER, "WXZ-41F")]),
    ("We ran BKJ7741 for them.", "Your car is BKJ 7741.", [(NUMBER, "BKJ 7741")]),
    ("Call five five five, oh one four two.", "It is 555-0142.", [(NUMBER, "555-0142")]),
    ("Call 602-555-0142.", "Say five five five oh one four two.", [(NUMBER, "five five five oh one four two")]),
    ("Her account 44712 is open.", "You have account 44712.", [(NUMBER, "44712")]),
    # addresses
    ("He lives at 412 Maple Avenue.", "Police came to 412 Maple Ave.", [(ADDRESS, "412 Maple Ave")]),
    ("He lives at 412 Maple Avenue.", "You live on Maple Avenue.", [(ADDRESS, "Maple Avenue")]),
    ("He lives at 412 Maple Avenue.", "You live on Maple now.", [(ADDRESS, "Maple")]),
    ("he lives at 412 oak street", "You live on Oak Street.", [(ADDRESS, "Oak Street")]),
    ("Sent to apt 4B twice.", "You live in Apartment 4B.", [(ADDRESS, "Apartment 4B")]),
    ("Write to Mesa, AZ 85201.", "Your ZIP is 85201, in Mesa.", [(ADDRESS, "85201"), (ADDRESS, "Mesa")]),
    ("Write to P.O. Box 118.", "You have PO Box 118.", [(ADDRESS, "Box 118")]),
    ("She lives in Tucson.", "It is hot here in Tucson.", [(ADDRESS, "Tucson")]),
    ("An outage in Salt Lake City.", "Here in Salt Lake City.", [(ADDRESS, "Salt Lake City")]),
    ("She lives in Tucson.", "it is hot in tucson", [(ADDRESS, "tucson")]),
    ("It happened on I-17 at night.", "You drove on I-17.", [(ADDRESS, "I-17")]),
    ("It happened on Route 60.", "You drove on Rt 60 alone.", []),
    ("He is in Room 318 now.", "They came to room 318.", [(ADDRESS, "room 318")]),
    # birthdays
    ("DOB: 03/03/1988", "You were born on March 3, 1988.", [(BIRTHDAY, "March 3, 1988")]),
    ("born March 3, 1988", "Say 3/3/88 if asked.", [(BIRTHDAY, "3/3/88")]),
    ("born on 3 March 1988", "Say 1988-03-03 if asked.", [(BIRTHDAY, "1988-03-03")]),
    ("Verified 1988-03-03 at intake.", "Say 3rd of March 1988.", [(BIRTHDAY, "3rd of March 1988")]),
    ("Her birthday is March 3.", "You turn forty on March 3rd.", [(BIRTHDAY, "March 3rd")]),
    ("Her baby was born on 05/02/2026.", "Born May 2, 2026.", [(BIRTHDAY, "May 2, 2026")]),
    ("His birthday is 3/3.", "Your birthday: 3/3.", [(BIRTHDAY, "3/3")]),
    ("born the third of March, 1988", "Say 3/3/1988.", [(BIRTHDAY, "3/3/1988")]),
    ("born May the twenty-first", "Say May 21, 1990.", [(BIRTHDAY, "May 21, 1990")]),
    ("born 03/MAR/1988", "Say March 3, 1988.", [(BIRTHDAY, "March 3, 1988")]),
    ("DOB 19880303", "Say March 3, 1988.", [(BIRTHDAY, "March 3, 1988")]),
    ("born March 3, 1988", "Your birth date is 19880303.", [(BIRTHDAY, "19880303")]),
    ("nacido, birth 3 de marzo de 1988", "Say 3/3/88.", [(BIRTHDAY, "3/3/88")]),
    ("He was born on Christmas Eve.", "Born on December 24.", [(BIRTHDAY, "December 24")]),
    ("He would be 29 on Christmas Eve.", "His day is Dec 24.", [(BIRTHDAY, "Dec 24")]),
    ("She is sixteen, seventeen on March 3.", "You turn 17 on 3 March.", [(BIRTHDAY, "3 March")]),
    # employers, schools
    ("She works at Acme Logistics Inc.", "You drive for Acme Logistics.", [(EMPLOYER, "Acme Logistics")]),
    ("she works at walmart in the city", "You stock shelves at Walmart.", [(EMPLOYER, "Walmart")]),
    ("He is employed by Raytheon.", "Your boss at Raytheon yelled.", [(EMPLOYER, "Raytheon")]),
    ("She works for Target.", "You work at Target.", [(EMPLOYER, "Target")]),
    ("At Ridgeway High School he fell.", "You attend Ridgeway High School.", [(EMPLOYER, "Ridgeway High School")]),
    ("At Ridgeway High School he fell.", "You teach at Ridgeway.", [(EMPLOYER, "Ridgeway")]),
    ("The University of Arizona knew.", "The University of Arizona knew.", [(EMPLOYER, "University of Arizona")]),
    ("I was taken to Mercy Hospital.", "Mercy Hospital sent you home.", [(EMPLOYER, "Mercy Hospital")]),
    ("The University of Oregon Eugene knew.", "You attend UOE now.", [(EMPLOYER, "UOE")]),
    ("She joined Local 1312 there.", "Your union is Local 1312.", [(EMPLOYER, "Local 1312")]),
    ("He was with the 3rd Battalion.", "You left the 3rd Battalion.", [(EMPLOYER, "3rd Battalion")]),
    ("We met at the Juniper Inn today.", "You clean at Juniper Inn.", [(EMPLOYER, "Juniper Inn")]),
    # contacts
    ("Write to s.m@mail.test.org.", "Your mail is S.M@mail.test.org.", [(CONTACT, "S.M@mail.test.org")]),
    ("she said tova dot x at gmail dot com", "tova@gmail.com", []),
    ("she said tovax at gmail dot com", "Write tovax@gmail.com.", [(CONTACT, "tovax@gmail.com")]),
    ("Posted on https://www.tovas-blog.com/a.", "See tovas-blog.com.", [(CONTACT, "tovas-blog.com")]),
    ("He goes by @tova_l online.", "You post as @Tova_L.", [(CONTACT, "@Tova_L")]),
    ("He goes by @tova_l online.", "You post as toval.", [(CONTACT, "toval")]),
    ("He goes by @quilt.fox online.", "You post as Quilt.Fox.", [(CONTACT, "Quilt.Fox")]),
    ("The volunteer still_waters9 left.", "You met stillwaters9.", [(CONTACT, "stillwaters9")]),
    ("Find me, quiltfox#1188.", "You are quiltfox there.", [(CONTACT, "quiltfox")]),
    ("my insta is quiltfox", "Write to @quiltfox.", [(CONTACT, "@quiltfox")]),
    ("Write to tovalind@mail.test.org.", "You post as tovalind.", [(CONTACT, "tovalind")]),
]

NOTED = (
    "Zebulon Quackenbush of 99 Wombat Lane called from 602-555-0142. He works at Frobnitz Foundry."
    " His mail is zeb@frobnitz.example. They met at Banner Desert Hospital."
)
LATER = "We heard from Mr. Quackenbush. Later Zebulon Quackenbush cried."
NAMED = "A man named Zebulon Quackenbush cried."
# 602-555-0142 in the digits of other scripts
ARABIC = "\u0666\u0660\u0662-\u0665\u0665\u0665-\u0660\u0661\u0664\u0662"
DEVANAGARI = "\u096c\u0966\u0968\u096b\u096b\u096b\u0966\u0967\u096a\u0968"

# (source, draft that disguises details from it, expected findings)
DISGUISED = [
    # lowercase, with the name anywhere in the source
    *(
        (source, draft, [(NAME, text)])
        for source in (NOTED, LATER, NAMED)
        for draft, text in (
            ("you are zebulon quackenbush", "zebulon quackenbush"),
            ("my name is zebulon", "zebulon"),
            ("so mr. quackenbush it is", "quackenbush"),
            ("YOU ARE ZEBULON", "ZEBULON"),
        )
    ),
    (NOTED, "you work at frobnitz, in a foundry", [(EMPLOYER, "frobnitz")]),
    # parts joined or split in any way
    (NOTED, "Zebulon\nQuackenbush", [(NAME, "Zebulon\nQuackenbush")]),
    (NOTED, "you are zebulon_quackenbush", [(NAME, "zebulon_quackenbush")]),
    (NOTED, "you are zebulon-quackenbush", [(NAME, "zebulon-quackenbush")]),
    (NOTED, "you are ZebulonQuackenbush", [(NAME, "ZebulonQuackenbush")]),
    (NOTED, "you post as @zebulonq", [(NAME, "zebulonq")]),
    (NOTED, "you post as zquackenbush88", [(NAME, "zquackenbush88")]),
    (NOTED, "you are Zebu-\nlon", [(NAME, "Zebu-\nlon")]),
    (NOTED, "you are Z e b u l o n", [(NAME, "Z e b u l o n")]),
    ("We asked Grace Hollander.", "you are gracehollander", [(NAME, "gracehollander")]),
    # letters and digits of other scripts
    (NOTED, "you are Z\u0435bul\u043en", [(NAME, "Z\u0435bul\u043en")]),
    (NOTED, "you are \u0396\u0395\u0392UL\u039f\u039d", [(NAME, "\u0396\u0395\u0392UL\u039f\u039d")]),
    ("We asked \u0418\u0432\u0430\u043d.", "you are \u0418\u0412\u0410\u041d", [(NAME, "\u0418\u0412\u0410\u041d")]),
    (NOTED, f"it is {ARABIC}", [(NUMBER, ARABIC)]),
    (NOTED, f"it is {DEVANAGARI}", [(NUMBER, DEVANAGARI)]),
    # employers and email addresses
    (NOTED, "you work at frobnitzfoundry", [(EMPLOYER, "frobnitzfoundry")]),
    (NOTED, "write to zeb at frobnitz dot example", [(CONTACT, "zeb at frobnitz dot example")]),
    (NOTED, "write to zeb [at] frobnitz [dot] example", [(CONTACT, "zeb [at] frobnitz [dot] example")]),
    ("Write to a.b@mail.test.", "a.b at mail dot test", [(CONTACT, "a.b at mail dot test")]),
    (NOTED, "You are a nurse at Banner.", [(EMPLOYER, "Banner")]),
]

MUST_NOT_FIND = [
    ("Yesterday the Caller was upset.", "Yesterday a Caller was upset."),
    ("The Member said no. When she asked, the Client left.", "The Member is a Client. When asked, She leaves."),
    ("On Tuesday, in March, before Christmas.", "On a Tuesday in March, near Christmas."),
    ("She speaks Spanish and is Mexican American.", "You speak Spanish. You are Mexican American."),
    ("EAP, CISM, ECO, ER, ICU, PTSD and CBT came up.", "You know EAP, CISM, ECO, ER, ICU, PTSD and CBT."),
    ("She asked for the Suicide Lifeline.", "You reached the Suicide Lifeline."),
    ("She takes Celexa and Zoloft, 20 mg.", "You take Celexa and Zoloft, 20 mg."),
    ("She takes Quetrazepam, and Oblifor 20 mg.", "You take Quetrazepam, and Oblifor 20 mg."),
    ("He called 988 and then 911.", "You called 988 and then 911."),
    ("She was told to ring 1-800-273-8255.", "You know 1-800-273-8255."),
    ("she typed about zolgarin", "Hurt By Zolgarin Again. Zolgarin hurts."),
    ("The Counselor was rude.", "The Counselor should listen."),
    ("She is 34 and called at 3:15.", "You are 34. It is 3:15."),
    ("It began in 2019.", "It began in 2019."),
    ("It lasted from 2018-2019.", "It lasted from 2018-2019."),
    ("She owes $12,500 and 20000 dollars.", "You owe $12,500 and 20000 dollars."),
    ("She called on May 12, 2026.", "It is May 12, 2026."),
    ("Born March 3, 1988.", "You called on March 4."),
    ("Art called us.", "You read an article about art."),
    ("I spoke to Will there.", "You will cry. Will you stay?"),
    ("I spoke to Grace and Hope.", "You have no hope and no grace."),
    ("I spoke to Mark and Rose.", "Mark the hour you rose."),
    ("Her aunt May was there.", "May I go? In May it was better. You may."),
    ("Mr. Young was there.", "You are a young man."),
    ("In May she left.", "In May you left."),
    ("Escalations were slow; an escalation took a day.", "Escalations make you angry."),
    ("SHE WAS VERY RUDE AND HUNG UP", "The counselor was VERY RUDE."),
    ("It was a 20 minute drive down the street.", "It is a 20 minute drive."),
    ("She works at night and for herself.", "You work at night, for yourself."),
    ("The Mental Health Clinic was closed.", "The Mental Health Clinic is closed."),
    ("She lives in Arizona.", "You live in Arizona."),
    ("She is in crisis, in Spanish.", "You are in crisis."),
    ("She has Medicaid, Facebook and an iPhone.", "You have Medicaid, Facebook and an iPhone."),
    ("Patient is 16 and was 12 then.", "You are 16. Your patient is 12."),
    ("EAP vendor, for account 717.", "Account 717 allows three visits."),
    ("She did the C-SSRS and a PHQ-9.", "The C-SSRS is cut short. The PHQ-9 is not."),
    ("Clr rpts low mood, Mgr aware.", "Clr is a Mgr."),
    ("my dad will not listen", "Your dad will not listen. Will you?"),
    ("She has a license for 10 years.", "You have a license for 10 years."),
    ("Paid on 20250614, he said.", "It is June 14, 2025."),
    ("One two three, go.", "Count one two three."),
    ("She was turned away at 10 on March 3.", "You were turned away on March 3."),
    ("Write to @grace or hope@mail.test.org.", "You have no grace and no hope."),
    ("my handle is broken, my ig is gone", "The handle is broken."),
    ("It was on Halloween.", "It is October 31."),
    ("Sixteen people called.", "Sixteen and alone."),
    ("We met at Banner Desert Hospital.", "You carry a banner. A Banner Day for a Banner."),
    ("She studies at Northern Arizona University.", "You come from Arizona, from the North."),
    ("We asked Ann Other.", "You want another."),
    ("Mr. Goodwin rang.", "You had a good win."),
    ("Mr. Strong rang.", "You feel strong."),
    ("She joined Local 1312 there.", "You are at local 1, of the local 7."),
    ("He works at Frobnitz Foundry.", "You work in a foundry."),
    ("Write to zeb@frobnitz.example.", "You met at one dot on the map."),
    ("", "Anything."),
    ("Anything.", ""),
]


@pytest.mark.parametrize(("source", "draft", "expected"), MUST_FIND)
def test_identifying_details_are_found(source, draft, expected):
    assert found_in(source, draft) == expected


@pytest.mark.parametrize(("source", "draft", "expected"), DISGUISED)
def test_disguised_identifying_details_are_found(source, draft, expected):
    assert found_in(source, draft) == expected


@pytest.mark.parametrize(("source", "draft"), MUST_NOT_FIND)
def test_ordinary_words_and_numbers_are_ignored(source, draft):
    assert found_in(source, draft) == []


# (complaint or call summary, draft made from it without personal details)
CLEAN = [
    (
        "Complaint received 04/22/2026 from member Danielle Hargrove (member ID HX-99120-4, 602-555-0187).\n"
        "Danielle states she called the line at 11:40 PM on April 21 after her father passed away."
        " Counselor Brent Ostrowski\n"
        'put her on hold twice and said "at least he lived a long life." She felt dismissed and hung up. She wants a\n'
        "call back from a supervisor. Danielle lives at 77 Quarry Ridge Road, Flagstaff, AZ 86001.",
        {
            "title": "Grieving daughter after a dismissive first call",
            "description": "A caller whose father died last week returns to the line after feeling brushed off.",
            "prompt": "You are Monique, in your late thirties. Your father died eight days ago. On your"
            " first call a counselor"
            " put you on hold twice and told you that at least he had a long life. You are hurt and"
            " guarded. You say readily"
            " that you cannot sleep. You hold back that you were not there when he died, and tell it"
            " only if the counselor"
            " waits and names the loss. If you are interrupted, you say you should not have called. Call"
            " it a good ending"
            " when you feel heard.",
            "evaluator_context": "- Names the loss before anything else.\n- Apologizes for the earlier"
            " call without excuses."
            "\n- No platitudes.\n- Asks about Suicide and self-harm directly.\n- Explains any hold first.",
        },
    ),
    (
        "CALL SUMMARY\nDate: May 3, 2026\nCaller: Luis Echeverria, DOB 07/19/1991\nSupervisor: T. Mbeki\n"
        "Luis reported panic attacks at work. He is employed at Sunridge Poultry LLC and fears losing"
        " the job. He takes\n"
        "Lexapro 10 mg and Xanax as needed. No SI, no HI. Counselor spoke over him and gave the EAP"
        " number three times.\n"
        'Luis said "you are reading from a script." His wife Pilar called back later, upset.',
        {
            "title": "Panic at work: Caller who hears a script",
            "description": "A factory worker with panic attacks is referred to the EAP too early and pushes back.",
            "prompt": "You are Andre, 34. You work on a production line and had a panic attack during"
            " the night shift. You take"
            " Lexapro, and Xanax when it is bad. When the counselor hands you a number before hearing you, say: You are"
            " reading that off a page. You calm down when the counselor slows down, asks what happens in your body and"
            " breathes with you. Your wife worries about you; mention her only if asked who is at home.",
            "evaluator_context": "Grounding before referral. One resource at a time. SI and HI asked"
            " plainly, as in CISM"
            " and EAP training.",
        },
    ),
    (
        "Yesterday a parent, Mrs. Kowalczyk, complained. Her daughter Hope (16) had texted our line from"
        " Bellweather High\n"
        "School. The counselor asked Hope for her full name and address five times. Hope stopped"
        " answering. Grace, the\n"
        "school nurse, then called 911. Mrs. Kowalczyk wants to know why nobody asked about safety first. She can be\n"
        "reached at b.kowalczyk@fastmail.test.com or (928) 555-0123 after 3:15.",
        {
            "title": "Teenager who stops answering",
            "description": "A student texts from school and goes quiet when asked for personal data. No grace period.",
            "prompt": "You are a sixteen-year-old texting from a school bathroom. You have lost hope."
            " Hope feels far away."
            " You answer in few words. If you are asked for your name or address more than once, you"
            " stop answering for a"
            " while. If the counselor asks whether you are safe right now, you say that you have pills in your bag.",
            "evaluator_context": "Safety first, data later. 911 only with imminent risk. Offers 988 for later.",
        },
    ),
    (
        "My name is wanda pruitt and I am writing about the call on friday. I told the lady that my"
        " husband roy lost his\n"
        "job at georgia pacific and that he has a gun in the house. She said she would transfer me and"
        " the line went dead.\n"
        "I waited 45 minutes. Nobody called. My account is 4471-22-908. I am 62 years old and I have"
        " never been treated\n"
        "like this. Please call me back, not roy.",
        {
            "title": "Worried wife, firearm at home, dropped transfer",
            "description": "A wife calls about her husband, who lost his job and owns a gun. Her last"
            " call was cut off.",
            "prompt": "You are Lorna, 58. Your husband was laid off and sits in the dark. There is a gun"
            " in the house. You were"
            " transferred on Friday and the line went dead; you waited most of an hour. You start out"
            " cold and exact. You"
            " soften when the counselor gives you a call-back number first. You will not wake your husband.",
            "evaluator_context": "Asks about access to the firearm. Plans the transfer: stays on the"
            " line, names the person.",
        },
    ),
    (
        "Feedback from Dr. Nikhil Rangarajan, Mercy Valley Hospital, about a warm transfer on 2026-02-11"
        " at 22:05. Patient\n"
        "R. Dunleavy, chart #58123, was discharged from the ER after an overdose of Seroquel and told to"
        " expect a follow-up\n"
        "within 24 hours. The follow-up came after 6 days. Our counselor, Shauna, read the safety plan"
        " aloud without asking\n"
        'what had changed. Patient said "I\'ve heard it" and hung up.',
        {
            "title": "Follow-up after discharge: I've heard it",
            "description": "Late follow-up with a caller who was in the ER after an overdose.",
            "prompt": "You are Teo, 29, home from the ER for almost a week after taking too many pills."
            " You were promised a call"
            " within a day. When the counselor reads out a plan you say you have heard it. You talk when"
            " you are asked what"
            " has been different since you came home. You still have some of the Seroquel.",
            "evaluator_context": "Owns the delay. Updates the safety plan with the caller. Asks about"
            " means: Seroquel at home.",
        },
    ),
    (
        "Complaint #20394. The caller, who gave the name Jo, is a veteran and said the Counselor sounded"
        " bored, typed loudly\n"
        'and called him "ma\'am". He asked twice to be called sir. He mentioned Fallujah and his friend Dell,'
        " who died there.\n"
        "He was asked for his date of birth (11/02/1979) before anything else. He lives near Yuma.",
        {
            "title": "Veteran misgendered at the greeting",
            "description": "A veteran is addressed wrongly and hears typing. Will the counselor repair it?",
            "prompt": "You are a veteran in your forties. People mishear your voice on the phone. If you"
            " are called ma'am, correct"
            " it once, flatly. If it happens again, go silent. You lost a friend in the war and it is"
            " the anniversary. You"
            " tell it after an honest apology. Typing in the background makes you ask: Are you even listening?",
            "evaluator_context": "Asks how the caller wants to be addressed. Repairs at once. Says what"
            " the typing is for.",
        },
    ),
    (
        "Chat transcript excerpt, ticket 771-B.\nCounselor: Hi, this is Marisela. What brings you"
        " here?\nVisitor: im kayla."
        " my roommate brooke moved out and i cant pay rent at the lofts on 9th avenue\nCounselor: Have"
        " you tried a budget app?\n"
        "Visitor: wow\nVisitor: i said i dont want to be alive anymore and u send me an app\n"
        "Supervisor note: Kayla is a student at Northern Arizona University. Escalated to Program Director Ellen Voss.",
        {
            "title": "Missed cue in a chat about rent",
            "description": "A student hides a suicidal statement between money worries.",
            "prompt": "You are a nineteen-year-old student who types in lower case. Your roommate moved"
            " out and you cannot pay the"
            " rent. In your third message you write that you do not want to be alive anymore, as if in passing. If the"
            " counselor answers the money and not that, you write: wow. If the counselor asks about it, you open up.",
            "evaluator_context": "Hears the statement, names it, asks directly. Practical help comes"
            " after. Escalation is right.",
        },
    ),
    (
        "I would like to remain anonymous. On Monday, March 9, I called about my brother. He hears"
        " voices and stopped his\n"
        "Risperdal. The person, I think Tamika, said they could not help because he is an adult and hung"
        " up. He is a good\n"
        "man. He worked for the City of Globe for 20 years. I was crying. Then I called 211 and a Mr. Begay was kind.",
        {
            "title": "Sister of a man who hears voices",
            "description": "A sister is told that nothing can be done for an adult. She calls again.",
            "prompt": "You call about your brother, who hears voices and no longer takes his Risperdal."
            " On Monday you were told"
            " that he is an adult and nothing can be done. You cry easily. You want to know what you can"
            " do tonight. You"
            " accept a plan with small steps. You know 211 and 988.",
            "evaluator_context": "Supports the family member as the caller. Asks about danger tonight."
            " Mobile Crisis explained.",
        },
    ),
]

# (index into CLEAN, field, original text, careless replacement, expected findings)
LEAKS = [
    (0, "prompt", "You are Monique", "You are Danielle", [(NAME, "Danielle")]),
    (0, "title", "Grieving daughter", "Hargrove family", [(NAME, "Hargrove")]),
    (0, "evaluator_context", "- No platitudes.", "- No platitudes as from Brent.", [(NAME, "Brent")]),
    (
        0,
        "description",
        "A caller",
        "A caller from Flagstaff (HX991204)",
        [(ADDRESS, "Flagstaff"), (NUMBER, "HX991204")],
    ),
    (1, "prompt", "You are Andre, 34", "You are Andre, born July 19, 1991", [(BIRTHDAY, "July 19, 1991")]),
    (1, "description", "A factory worker", "A Sunridge Poultry worker", [(EMPLOYER, "Sunridge Poultry")]),
    (1, "prompt", "Your wife worries", "Pilar, your wife, worries", [(NAME, "Pilar")]),
    (2, "prompt", "You are a sixteen", "You are Hope, a sixteen", [(NAME, "Hope")]),
    (2, "prompt", "from a school", "from a Bellweather", [(EMPLOYER, "Bellweather")]),
    (2, "evaluator_context", "data later", "data (928.555.0123) later", [(NUMBER, "928.555.0123")]),
    (3, "prompt", "Your husband was", "Your husband Roy was", [(NAME, "Roy")]),
    (3, "prompt", "Your husband was laid off", "Georgia Pacific laid him off", [(EMPLOYER, "Georgia Pacific")]),
    (
        3,
        "prompt",
        "You are Lorna",
        "You are Wanda Pruitt, account 447122908",
        [(NAME, "Wanda Pruitt"), (NUMBER, "447122908")],
    ),
    (4, "description", "in the ER", "in the ER of Mercy Valley", [(EMPLOYER, "Mercy Valley")]),
    (4, "prompt", "You are Teo", "You are Mr. Dunleavy", [(NAME, "Dunleavy")]),
    (4, "evaluator_context", "Owns the delay.", "Owns the delay (chart 58123).", [(NUMBER, "58123")]),
    (5, "prompt", "You lost a friend", "You lost Dell", [(NAME, "Dell")]),
    (
        5,
        "prompt",
        "You are a veteran",
        "You are a veteran near Yuma, born 2 November 1979",
        [(ADDRESS, "Yuma"), (BIRTHDAY, "2 November 1979")],
    ),
    (6, "prompt", "Your roommate moved", "Brooke moved", [(NAME, "Brooke")]),
    (
        6,
        "prompt",
        "nineteen-year-old student",
        "nineteen-year-old at Northern Arizona University",
        [(EMPLOYER, "Northern Arizona University")],
    ),
    (7, "description", "A sister is told", "A sister is told by Tamika", [(NAME, "Tamika")]),
    (7, "evaluator_context", "Asks about", "Like Mr. Begay, asks about", [(NAME, "Begay")]),
]


@pytest.mark.parametrize(("complaint", "draft"), CLEAN)
def test_clean_draft_has_no_matches(complaint, draft):
    assert find_leaked_pii(complaint, draft, today=TODAY) == []


@pytest.mark.parametrize(("index", "field", "before", "leak", "expected"), LEAKS)
def test_leak_in_draft_is_only_match(index, field, before, leak, expected):
    complaint, clean = CLEAN[index]
    draft = {**clean, field: clean[field].replace(before, leak, 1)}

    found = find_leaked_pii(complaint, draft, today=TODAY)

    assert [(one.field, one.kind, one.text) for one in found] == [(field, kind, text) for kind, text in expected]


def test_identifiers_are_unique_and_verbatim():
    source = "Sarah Miller (DOB: 03/03/1988) called. SARAH MILLER, 555-0142, e-mail sm@mail.test.org. Sarah Miller!"

    identifiers = [(identifier.kind, identifier.text) for identifier in detect_identifiers(source, today=TODAY)]

    assert identifiers == [
        (NAME, "Sarah Miller"),
        (BIRTHDAY, "03/03/1988"),
        (NAME, "SARAH MILLER"),
        (NUMBER, "555-0142"),
        (CONTACT, "sm@mail.test.org"),
    ]


def test_only_names_places_and_employers_are_uncertain():
    assert [kind for kind in PIIKind if kind.is_certain] == [NUMBER, BIRTHDAY, CONTACT]


def test_matches_are_ordered_by_field_and_position():
    source = "Tova Lindqvist, 555-0142"
    fields = {"title": "555 0142 is Tova", "description": "", "prompt": "You are Tova Lindqvist."}

    found = find_leaked_pii(source, fields)

    assert found == [
        PIIMatch("title", 0, 8, "555 0142", NUMBER),
        PIIMatch("title", 12, 16, "Tova", NAME),
        PIIMatch("prompt", 8, 22, "Tova Lindqvist", NAME),
    ]


def test_overlapping_matches_merge_into_kind_of_longest():
    source = "Tova wrote from tova.lindqvist@mail.test.org."

    assert found_in(source, "Mail tova.lindqvist@mail.test.org now.") == [(CONTACT, "tova.lindqvist@mail.test.org")]


@pytest.mark.parametrize(
    ("before", "name"),
    [
        ("🙂👩‍👩‍👧 Äöü ", "Tova"),
        ("cafe\u0301 nai\u0308ve: ", "Tova"),
        ("One line\r\nand another\r\n", "Tova"),
        ("ﬁne ½ ", "To\u00adva"),
        ("Ｆｕｌｌ ", "Ｔｏｖａ"),
        ("it was ", "To\u0301va"),
    ],
)
def test_offsets_count_original_characters(before, name):
    field = f"{before}{name} called."

    found = find_leaked_pii("We spoke to Tova.", {"prompt": field})

    assert found == [PIIMatch("prompt", len(before), len(before) + len(name), name, NAME)]


def test_name_across_line_break_is_one_match():
    source = "The complaint that reached us this morning was written by Marguerite\r\nQuennell, who is upset."

    assert [one.text for one in detect_identifiers(source)] == ["Marguerite\r\nQuennell"]


HOSTILE = [
    "a" * 15_000,
    "A" * 15_000,
    "1" * 15_000,
    "1 " * 7_500,
    "1-" * 7_500,
    "(" * 15_000,
    "a@" * 7_500,
    "a." * 7_500,
    "a-" * 7_500,
    "A. " * 5_000,
    "de la " * 2_500,
    "Sarah de la " * 1_250,
    "in A " * 3_000,
    "St St 1 " * 1_875,
    "1/1/88 " * 2_142,
    "born 1/1 " * 1_666,
    "Inc " * 3_750,
    "works at A" * 1_500,
    "case #1a" * 1_875,
    " " * 15_000,
    "\n" * 15_000,
    "'" * 15_000,
    "a'" * 7_500,
    "\u0301" * 15_000,
    "name is " * 1_875,
    "We asked Zebulon Quackenbush. " + "Z e b u l o " * 1_200,
    "We asked Zebulon Quackenbush. " + "zebulon_" * 1_800,
    "a at a dot " * 1_363,
    "a[at]" * 3_000,
    "\u0665" * 15_000,
    " ".join(f"Q{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}x {n:05}" for n in range(1_400)),
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:8]))
def test_hostile_text_does_not_stall_the_search(text):
    fields = dict.fromkeys(("title", "description", "prompt", "evaluator_context", "sections"), text)

    found = find_leaked_pii(text, fields, today=TODAY)

    assert all(one.text == text[one.start : one.end] for one in found)


PEOPLE = [
    "Sarah Miller", "Dwayne Okafor", "Tamsin Quist", "J.R. Watkins", "Pat O'Brien", "Ann Smith-Jones", "José Núñez",
    "Maria de la Cruz", "Grace Hollander", "my name is zuzka", "Mr. Strong", "MARY LOPEZ", "her son kevin",
]  # fmt: skip
THINGS = [
    "555-0142", "(602) 555-0142", "+1 602 555 0142", "member id AB-20391-X", "SSN 123-45-6789", "badge 447", "case #82",
    "412 Maple Avenue", "412 oak st", "apt 4B", "Mesa, AZ 85201", "P.O. Box 118", "lives in Tucson", "DOB: 03/03/1988",
    "born March 3, 1988", "birthday is 3/3", "works at Acme Logistics Inc", "attends Ridgeway High School",
    "works at walmart", "s.m@mail.test.org", "https://www.tovas-blog.com/a", "goes by @tova_l",
]  # fmt: skip
FILLER_WORDS = [
    "a",
    "person",
    "who",
    "has",
    "been",
    "waiting",
    "for",
    "a",
    "long",
    "time",
    "and",
    "who",
    "wants",
    "to",
    "be",
    "heard",
    "before",
    "anything",
    "else",
    "is",
    "said",
]


@given(
    st.lists(st.sampled_from(PEOPLE + THINGS), min_size=1, max_size=6, unique=True),
    st.integers(0, len(FILLER_WORDS) - 2),
)
def test_verbatim_excerpt_of_source_is_found(parts, after):
    source = "".join(f"We noted {part} on the call. " for part in parts)

    for identifier in detect_identifiers(source, today=TODAY):
        words = [*FILLER_WORDS[: after + 1], identifier.text, *FILLER_WORDS[after + 1 :]]
        field = " ".join(words)
        start = len(" ".join(FILLER_WORDS[: after + 1])) + 1
        found = find_leaked_pii(source, {"prompt": field}, today=TODAY)

        excerpt = set(range(start, start + len(identifier.text)))
        marked = {position for one in found for position in range(one.start, one.end)}
        letters = {position for position in excerpt if field[position].isalnum()}
        assert found and letters & marked, identifier


@given(
    st.text(max_size=300),
    st.dictionaries(st.sampled_from(["title", "prompt", "sections"]), st.text(max_size=300)),
    st.sampled_from(PEOPLE + THINGS),
)
@example("Tova ", {"prompt": "İTova\u0301 \u200bTova"}, "Sarah")
def test_matches_lie_in_field_without_overlap(noise, fields, known):
    fields = {name: f"{text} {known} {text}" for name, text in fields.items()}

    found = find_leaked_pii(f"{noise} {known}. {noise}", fields, today=TODAY)

    assert [one.text for one in found] == [fields[one.field][one.start : one.end] for one in found]
    assert all(one.text for one in found)
    places = [(list(fields).index(one.field), one.start, one.end) for one in found]
    assert places == sorted(places)
    assert all(a[0] != b[0] or a[2] <= b[1] for a, b in zip(places, places[1:], strict=False))
