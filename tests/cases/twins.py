"""What looks like a break-in, and is none?

One function tells one story; its docstring is the story's title.
"""

from dataclasses import replace

from okta_log import (
    AMSTERDAM_HOST,
    ANA,
    BEN,
    CLEO,
    CONSOLE,
    DUBLIN_SERVER,
    FRANKFURT,
    FRANKFURT_HOTEL,
    FRANKFURT_VPN,
    GATEWAY,
    HELPDESK,
    KEEPALIVE,
    LISBON,
    LISBON_OFFICE,
    LONDON_MOBILE,
    MAC,
    PORTO_MOBILE,
    PROXY,
    SAM,
    SERVER,
    WINDOWS,
    Person,
    app,
    at,
    thing,
    token,
)


def support_reset_benign(story):
    """A customer's own administrators reset accounts, one of them an administrator's."""
    for day in (0, 1):
        story.signs_in(at(day, 9), BEN, LISBON, MAC, f"idxBenDay{day}000000000000000")
        story.signs_in(at(day, 8), SAM, LISBON_OFFICE, WINDOWS, f"idxSamDay{day}000000000000000")
    desk = (HELPDESK, LISBON_OFFICE, WINDOWS, "idxDesk000000000000000001")
    story.signs_in(at(2, 8), *desk)
    story.says(
        at(2, 9, 30),
        "user.mfa.factor.reset_all",
        *desk,
        targets=[BEN.target()],
        uri="/api/v1/users/factors",
        debug={"caseNumber": "IT-4711"},
    )
    story.signs_in(at(2, 9, 40), BEN, LISBON, MAC, "idxBenDay2000000000000000", "PASSWORD_AS_FACTOR")
    story.says(
        at(2, 9, 42),
        "user.mfa.factor.activate",
        BEN,
        LISBON,
        MAC,
        "idxBenDay2000000000000000",
        targets=[BEN.target(), thing("AuthenticatorEnrollment", "Okta Verify", "pfd")],
        uri="/idp/idx/credential/enroll",
        debug={"factor": "OKTA_VERIFY_PUSH"},
    )
    story.says(
        at(2, 11), "user.mfa.factor.reset_all", *desk, targets=[SAM.target()], uri="/api/v1/users/factors"
    )
    story.signs_in(
        at(2, 11, 10), SAM, LISBON_OFFICE, WINDOWS, "idxSamDay2000000000000000", "PASSWORD_AS_FACTOR"
    )
    story.says(
        at(2, 11, 12),
        "user.mfa.factor.activate",
        SAM,
        LISBON_OFFICE,
        WINDOWS,
        "idxSamDay2000000000000000",
        targets=[SAM.target(), thing("AuthenticatorEnrollment", "Okta Verify", "pfd")],
        uri="/idp/idx/credential/enroll",
        debug={"factor": "OKTA_VERIFY_PUSH"},
    )
    story.enters(at(2, 14), SAM, LISBON_OFFICE, WINDOWS, "idxSamDay2000000000000000")
    story.system(
        at(2, 15),
        "user.account.update_password",
        [BEN.target()],
        transaction={"type": "WEB", "id": token("Z", "sync", 26), "detail": {}},
    )


def customer_visit(story):
    """Two colleagues work from a customer's office that neither has been to."""
    users = [ANA, BEN]
    for day in (0, 1):
        for number, who in enumerate([*users, CLEO]):
            story.signs_in(at(day, 9, number), who, LISBON, MAC, f"idxDay{day}User{number}0000000000")
    for number, who in enumerate(users):
        session = f"idxVisit{number}00000000000000000"
        story.signs_in(at(3, 10, 5 * number), who, AMSTERDAM_HOST, MAC, session)
        for count in range(4):
            story.opens(
                at(3, 10, 5 * number + count, 30),
                who,
                AMSTERDAM_HOST,
                MAC,
                session,
                f"Application {count:02}",
            )
    story.signs_in(at(3, 10, 7), CLEO, LISBON, MAC, "idxDay3Cleo000000000000000")


def vpn_flip(story):
    """One user switches the company's VPN, another a commercial one; a phone answers from elsewhere."""
    session = "idxFlip00000000000000000001"
    flips = ((ANA, LISBON, FRANKFURT_VPN, (0, 1, 4, 5)), (BEN, LISBON, PROXY, (0, 1, 2, 6, 7)))
    for who, home, exit_abroad, at_home in flips:
        for count in range(8):
            place = home if count in at_home else exit_abroad
            moment = at(0, 9, 15 * count)
            keep = token("trs", f"keep{who.login}{count}", 25)
            story.says(moment, "user.session.start", who, place, KEEPALIVE, keep)
            story.says(moment + 0.044, "policy.evaluate_sign_on", who, place, KEEPALIVE, keep, "ALLOW")
    story.signs_in(at(0, 9, 5), ANA, LISBON, MAC, session)
    story.opens(at(0, 9, 20), ANA, LISBON, MAC, session, "Wiki")
    story.opens(at(0, 9, 31), ANA, FRANKFURT_VPN, MAC, session, "Payroll")
    story.opens(at(0, 9, 50), ANA, FRANKFURT_VPN, MAC, session, "Wiki")
    story.opens(at(0, 10, 5), ANA, LISBON, MAC, session, "Wiki")
    other = "idxFlip00000000000000000002"
    story.signs_in(at(0, 9, 2), BEN, LISBON, WINDOWS, other)
    story.opens(at(0, 9, 50), BEN, PROXY, WINDOWS, other, "Wiki")
    story.opens(at(0, 10, 35), BEN, LISBON, WINDOWS, other, "Wiki")
    phone = "idxFlip00000000000000000003"
    roaming = replace(
        PORTO_MOBILE, ip="192.0.2.60", city="London", country="United Kingdom", lat=51.5085, lon=-0.1257
    )
    story.says(
        at(0, 11),
        "system.push.send_factor_verify_push",
        CLEO,
        LISBON,
        WINDOWS,
        phone,
        targets=[CLEO.target()],
    )
    story.approves(at(0, 11, 0, 20), CLEO, roaming, phone)
    story.says(
        at(0, 11, 0, 21), "user.session.start", CLEO, LISBON, WINDOWS, phone, uri="/idp/idx/challenge/poll"
    )
    story.opens(at(0, 11, 2), CLEO, LISBON, WINDOWS, phone, "Wiki")
    story.events.sort(key=lambda event: event["published"])


def push_declined_twice(story):
    """A user presses the wrong button twice, in a hurry."""
    story.signs_in(at(0, 9), BEN, LISBON, MAC, "idxBenDay0000000000000000")
    session = "idxBenDay1000000000000000"
    for count in range(3):
        story.says(
            at(1, 8, count),
            "system.push.send_factor_verify_push",
            BEN,
            LISBON,
            MAC,
            session,
            targets=[BEN.target()],
            uri="/idp/idx/authenticators/poll",
        )
        if count < 2:
            story.declines(at(1, 8, count, 10), BEN, PORTO_MOBILE, session)
    story.approves(at(1, 8, 2, 9), BEN, PORTO_MOBILE, session)
    story.says(
        at(1, 8, 2, 10), "user.session.start", BEN, LISBON, MAC, session, uri="/idp/idx/challenge/poll"
    )


def office_monday(story):
    """Nine people behind one office address mistype their new passwords, and then get in."""
    for count in range(9):
        who = Person(f"staff{count:02}@example.com", f"Staff {count:02}")
        story.fails(at(0, 9, count), who, LISBON_OFFICE, WINDOWS)
        story.signs_in(
            at(0, 9, count, 20), who, LISBON_OFFICE, WINDOWS, f"idxStaff{count:02}0000000000000000"
        )


def named_site(story):
    """A company whose offices leave the network through one exit abroad, which the configuration names."""
    exit_abroad = replace(FRANKFURT_VPN, proxy=True)
    users = [ANA, BEN, CLEO]
    for day in (0, 1):
        for number, who in enumerate(users):
            story.signs_in(at(day, 9, number), who, LISBON, MAC, f"idxDay{day}User{number}0000000000")
    for count in range(12):
        who = Person(f"staff{count:02}@example.com", f"Staff {count:02}")
        story.fails(at(2, 8, 0, 40 * count), who, exit_abroad, WINDOWS)
    for number, who in enumerate(users):
        story.signs_in(at(2, 8, 10 + number), who, exit_abroad, MAC, f"idxDay2User{number}0000000000")
    session = "idxAdmin0000000000000000001"
    story.signs_in(at(2, 9), SAM, LISBON, WINDOWS, session)
    story.says(at(2, 9, 5), "user.session.access_admin_app", SAM, LISBON, WINDOWS, session, targets=[CONSOLE])
    story.says(
        at(2, 9, 30), "user.session.access_admin_app", SAM, exit_abroad, WINDOWS, session, targets=[CONSOLE]
    )


def stale_password(story):
    """Keep-alives go on with the old password after users changed it: one four times an hour, one each minute."""
    for count in range(5):
        for who, begin, every in ((ANA, at(0, 6, 57), 15), (BEN, at(0, 8, 50), 1)):
            keep = token("trs", f"good{who.login}{count}", 25)
            story.says(begin + at(minutes=every * count), "user.session.start", who, LISBON, KEEPALIVE, keep)
    story.signs_in(at(0, 8), ANA, LISBON, MAC, "idxAnaDay0000000000000000")
    story.says(
        at(0, 8, 2),
        "user.account.update_password",
        ANA,
        LISBON,
        MAC,
        "idxAnaDay0000000000000000",
        targets=[ANA.target()],
        uri="/api/v1/users/me/credentials",
    )
    for count in range(16):
        story.fails(at(0, 8, 12 + 15 * count), ANA, LISBON, KEEPALIVE, uri="/api/v1/authn")
    for count in range(30):
        story.fails(at(0, 8, 55 + count), BEN, LISBON, KEEPALIVE, uri="/api/v1/authn")
    story.signs_in(at(0, 9, 30), BEN, LISBON, MAC, "idxBenDay0000000000000000")
    story.signs_in(at(0, 12, 30), ANA, LISBON, MAC, "idxAnaNoon000000000000000")
    story.events.sort(key=lambda event: event["published"])


def import_burst(story):
    """The nightly import touches forty users, groups and applications."""
    story.system(
        at(0, 2),
        "system.import.start",
        [app("Personnel Directory")],
        debugContext={"debugData": {"importTrigger": "Schedule", "importType": "Full"}},
    )
    for count in range(40):
        who = Person(f"staff{count:02}@example.com", f"Staff {count:02}")
        group = thing("UserGroup", "All staff", "00g")
        kinds = (
            "app.user_management",
            "group.user_membership.add",
            "application.user_membership.add",
            "user.lifecycle.deactivate",
            "application.provision.user.sync",
        )
        story.system(
            at(0, 2, 0, 10 + 3 * count),
            kinds[count % len(kinds)],
            [who.target(), group, app("Personnel Directory")],
        )
    story.system(at(0, 2, 5), "system.import.complete", [app("Personnel Directory")])


def sso_backchannel(story):
    """An application's server exchanges codes and refreshes tokens for a user who sits elsewhere."""
    session = "idxAnaDay0000000000000000"
    story.signs_in(at(0, 9), ANA, LISBON, MAC, session)
    client = {
        "id": token("0oa", "Intranet"),
        "type": "PublicClientApp",
        "alternateId": token("0oa", "Intranet"),
        "displayName": "Intranet",
        "detailEntry": None,
    }
    for count in range(6):
        moment = at(0, 9, 5 + 10 * count)
        known = session if count % 2 else None
        story.opens(moment, ANA, DUBLIN_SERVER, SERVER, known, "Intranet", uri="/oauth2/v1/token")
        for kind in ("access_token", "id_token"):
            story.says(
                moment + 1,
                f"app.oauth2.token.grant.{kind}",
                client,
                DUBLIN_SERVER,
                SERVER,
                known,
                targets=[
                    {"id": ANA.id, "type": "User", "alternateId": None, "displayName": None},
                    {
                        "id": token(kind[:2], f"{count}"),
                        "type": kind,
                        "alternateId": None,
                        "displayName": None,
                        "detailEntry": {"expires": "3600", "subject": ANA.id},
                    },
                ],
                uri="/oauth2/v1/token",
                debug={"grantType": "authorization_code", "clientAuthType": "client_secret_basic"},
            )
        story.opens(moment + 120, ANA, LISBON, MAC, session, "Wiki")


def commutes(story, days):
    """A user works in Lisbon in the morning and in Frankfurt at night, for some days, and is in Lisbon on the seventh; a colleague's machine never rests."""
    for hour in range(24 * 7 + 10):
        keep = token("trs", f"keep{hour}", 25)
        story.says(at(0, hour, 30), "user.session.start", BEN, LISBON, KEEPALIVE, keep)
    for day in range(days):
        story.signs_in(at(day, 8), ANA, LISBON, MAC, f"idxMorning{day}00000000000000000")
        story.signs_in(at(day, 20), ANA, FRANKFURT, MAC, f"idxEvening{day}00000000000000000")
    story.signs_in(at(7, 9), ANA, LISBON, MAC, "idxMorning70000000000000000")


def commuter(story):
    """A user who lives in two cities is seen in both within an hour, by a hotel's network."""
    commutes(story, 5)
    story.signs_in(at(7, 10), ANA, FRANKFURT_HOTEL, MAC, "idxHotel000000000000000000")
    story.events.sort(key=lambda event: event["published"])


def phone_abroad(story):
    """A phone on a carrier that leaves the network abroad approves pushes for a browser in Lisbon."""
    session = "idxPhone0000000000000000000"
    for count in range(3):
        moment = at(0, 9, 40 * count)
        story.says(
            moment,
            "system.push.send_factor_verify_push",
            CLEO,
            LISBON,
            WINDOWS,
            session,
            targets=[CLEO.target()],
        )
        story.approves(moment + 20, CLEO, LONDON_MOBILE, session)
        story.opens(moment + 60, CLEO, LISBON, WINDOWS, session, "Wiki")


def behind(gateway, client):
    """The chain of proxies of a request through a gateway, with what its client made up before."""
    links = ["198.51.100.250", client.ip, gateway.ip]
    return {"ipChain": [{"ip": ip, "geographicalContext": None, "version": "V4", "source": None} for ip in links]}


def office_gateway(story):
    """Everybody leaves the network through a gateway in Frankfurt; one user also works without it."""
    session = "idxGateway0000000000000000"
    story.signs_in(at(0, 9), ANA, LISBON, MAC, session)
    for count in range(3):
        story.opens(
            at(0, 9, 10 + 20 * count),
            ANA,
            GATEWAY,
            MAC,
            session,
            "Wiki",
            request=behind(GATEWAY, LISBON),
        )
        story.opens(at(0, 9, 20 + 20 * count), ANA, LISBON, MAC, session, "Wiki")
