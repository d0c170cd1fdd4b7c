"""What happened while users' machines went on sending keep-alives, and what are users used to?

One function tells one story; its docstring is the story's title. Break-ins and their harmless twins stand one
after the other.
"""

from okta_log import (
    ANA,
    BEN,
    CLEO,
    FRANKFURT_HOTEL,
    HELPDESK,
    KEEPALIVE,
    LAGOS,
    LINUX,
    LISBON,
    LISBON_OFFICE,
    MAC,
    PORTO_MOBILE,
    WINDOWS,
    Device,
    Person,
    Place,
    at,
    thing,
    token,
)

DORA = Person("dora@example.com", "Dora Example")
GUARD = Device("Desktop-Guard/4.2 (Darwin 25.1)", "Unknown", "UNKNOWN")
# An address of a household, which somebody rents out.
RESIDENTIAL = Place("203.0.113.245", "Porto", "Portugal", 41.1496, -8.6110, 64521, "example cable")
APPS = ("Mail", "Chat", "Wiki")


def keeps_alive(story, who, place, begin, end, device=KEEPALIVE, every=900):
    """A machine checks its user's password: two events of one request each time, within half a minute of its period."""
    count = 0
    while begin + count * every < end:
        moment = begin + count * every + (7 * count) % 25
        keep = token("trs", f"{story.name}/{who.login}/{moment}", 25)
        transaction = {"type": "WEB", "id": token("Z", keep, 26), "detail": {}}
        story.says(moment, "user.session.start", who, place, device, keep, transaction=transaction)
        story.says(
            moment + 0.044, "policy.evaluate_sign_on", who, place, device, keep, "ALLOW", transaction=transaction
        )
        count += 1


def works(story, who, place, device, days):
    """Some days of work, from half past eight on."""
    for day in days:
        session = token("idx", f"{who.login}/{day}", 25)
        story.signs_in(at(day, 8, 30), who, place, device, session)
        for count, name in enumerate(APPS):
            story.opens(at(day, 9 + 3 * count, 7 * (day % 5)), who, place, device, session, name)


def enrols(story, after, who, place, device, session):
    """Okta Verify on another telephone: first the device, some minutes later the factor."""
    for count, kind in enumerate(("device.enrollment.create", "user.mfa.factor.activate")):
        story.says(
            after + 250 * count,
            kind,
            who,
            place,
            device,
            session,
            targets=[who.target(), thing("AuthenticatorEnrollment", "Okta Verify", "pfd")],
            uri="/idp/idx/credential/enroll",
            debug={"factor": "OKTA_VERIFY_PUSH"},
        )


def in_order(story):
    """Stories are told one thread after the other; the log has one."""
    story.events.sort(key=lambda event: event["published"])


def second_machine(story):
    """A user's machine goes on at home in the night while somebody else uses the account far away."""
    works(story, ANA, LISBON, MAC, range(9))
    keeps_alive(story, ANA, LISBON, at(8, 20, 4), at(9, 4))
    thief = (ANA, LAGOS, LINUX, "idxThief0000000000000000001")
    story.signs_in(at(9, 1, 10), *thief, "PASSWORD_AS_FACTOR")
    story.opens(at(9, 1, 12), *thief, "Mail")
    story.opens(at(9, 1, 40), *thief, "Payroll")
    in_order(story)


def desktop_at_home(story):
    """A user travels with the laptop while the desktop at home goes on sending keep-alives."""
    works(story, ANA, LISBON, MAC, range(9))
    keeps_alive(story, ANA, LISBON, at(8, 6), at(10, 12), GUARD, 1800)
    works(story, ANA, FRANKFURT_HOTEL, MAC, range(9, 11))
    in_order(story)


def vishing(story):
    """A caller talks a user into approving a push, enrols a telephone and opens the applications."""
    works(story, CLEO, LISBON, MAC, range(9))
    keeps_alive(story, CLEO, LISBON, at(9, 8, 2), at(9, 18))
    works(story, CLEO, LISBON, MAC, [9])
    thief = (CLEO, RESIDENTIAL, WINDOWS, "idxThief0000000000000000001")
    story.says(
        at(9, 15, 20),
        "policy.evaluate_sign_on",
        *thief,
        "CHALLENGE",
        "Sign-on policy evaluation resulted in CHALLENGE",
        [thing("PolicyEntity", "Everyone", "00p")],
        "/idp/idx/identify",
    )
    story.says(
        at(9, 15, 20, 2),
        "system.push.send_factor_verify_push",
        *thief,
        targets=[CLEO.target()],
        uri="/idp/idx/authenticators/poll",
    )
    story.approves(at(9, 15, 20, 31), CLEO, PORTO_MOBILE, thief[3])
    story.says(at(9, 15, 20, 32), "user.session.start", *thief, uri="/idp/idx/challenge/poll")
    enrols(story, at(9, 15, 22), *thief)
    for count, name in enumerate(("Customer Database", "Office Suite", "Chat", "Wiki")):
        story.opens(at(9, 15, 27, 40 * count), *thief, name)
    in_order(story)


def new_laptop(story):
    """A user gets a new laptop and a new telephone in the office, by a ticket at the help desk."""
    works(story, BEN, LISBON_OFFICE, WINDOWS, range(9))
    keeps_alive(story, BEN, LISBON_OFFICE, at(9, 8, 2), at(9, 10))
    desk = (HELPDESK, LISBON_OFFICE, WINDOWS, "idxDesk000000000000000001")
    story.signs_in(at(9, 8), *desk)
    story.says(
        at(9, 9, 30),
        "user.mfa.factor.reset_all",
        *desk,
        targets=[BEN.target()],
        uri="/api/v1/users/factors",
        debug={"caseNumber": "IT-4712"},
    )
    laptop = (BEN, LISBON_OFFICE, MAC, "idxBenLaptop0000000000001")
    story.signs_in(at(9, 9, 41), *laptop, "PASSWORD_AS_FACTOR")
    enrols(story, at(9, 9, 44), *laptop)
    for count, name in enumerate((*APPS, "Payroll")):
        story.opens(at(9, 9, 49, 30 * count), *laptop, name)
    in_order(story)


def is_reset(story, moment, who):
    """The help desk takes all factors off somebody who called."""
    desk = (HELPDESK, LISBON_OFFICE, WINDOWS, "idxDesk000000000000000001")
    story.signs_in(moment - 3600, *desk)
    story.says(
        moment, "user.mfa.factor.reset_all", *desk, targets=[who.target()], uri="/api/v1/users/factors"
    )


def begins_anew(story, moment, agent, names):
    """With the password and a factor of one's own, and then to the applications."""
    story.signs_in(moment, *agent, "PASSWORD_AS_FACTOR")
    enrols(story, moment + 120, *agent)
    for count, name in enumerate(names):
        story.opens(moment + 540 + 50 * count, *agent, name)


def helpdesk_call(story):
    """Somebody calls the help desk in a user's name, and signs in with a factor of his own, as in September 2023."""
    for who, place, device in ((ANA, LISBON, MAC), (BEN, LISBON_OFFICE, WINDOWS), (CLEO, LISBON, MAC)):
        works(story, who, place, device, range(10))
    is_reset(story, at(9, 13), CLEO)
    thief = (CLEO, RESIDENTIAL, WINDOWS, "idxThief0000000000000000001")
    begins_anew(story, at(9, 13, 12), thief, ("Customer Database", "Office Suite", "Payroll", "Chat"))
    in_order(story)


def new_phone_on_journey(story):
    """A user breaks the telephone on a journey, and enrols another by the laptop in the hotel, after a call to the help desk."""
    for who, place, device in ((ANA, LISBON, MAC), (BEN, LISBON_OFFICE, WINDOWS), (CLEO, LISBON, MAC)):
        works(story, who, place, device, range(9))
    for who, place, device in ((ANA, LISBON, MAC), (BEN, LISBON_OFFICE, WINDOWS)):
        works(story, who, place, device, [9])
    is_reset(story, at(9, 13), CLEO)
    laptop = (CLEO, FRANKFURT_HOTEL, MAC, "idxCleoHotel0000000000001")
    begins_anew(story, at(9, 13, 12), laptop, (*APPS, "Payroll"))
    in_order(story)


def dormant_intruder(story):
    """An account that nobody used for seven weeks is signed in to from far away."""
    works(story, DORA, LISBON, WINDOWS, range(4))
    works(story, ANA, LISBON, MAC, range(0, 56, 7))
    thief = (DORA, LAGOS, LINUX, "idxThief0000000000000000001")
    story.signs_in(at(52, 3), *thief, "PASSWORD_AS_FACTOR")
    story.opens(at(52, 3, 4), *thief, "Mail")
    in_order(story)


def back_from_leave(story):
    """A user comes back after seven weeks, with the laptop of before, which somebody had left on for the first days."""
    works(story, DORA, LISBON, WINDOWS, range(4))
    keeps_alive(story, DORA, LISBON, at(3, 18), at(6), every=3600)
    works(story, ANA, LISBON, MAC, range(0, 56, 7))
    works(story, DORA, LISBON, WINDOWS, range(52, 54))
    in_order(story)
