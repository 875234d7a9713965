"""Who may do what: the policy as it is shipped, on one screen. A workspace may change it (`Workspace.policy`).

Scopes: all = the whole workspace · member = projects one belongs to · own = tasks one owns or made ·
shared = tasks and projects shared one by one · approval = only after somebody else agreed · none.
"""

PERMISSIONS = (
    "view", "create", "edit", "move", "delete", "approve",
    "see_budget", "see_suppliers", "see_creator_contacts", "export", "admin",
)  # fmt: skip

_POLICY = """
              view    create  edit    move    delete    approve  budget  suppliers  contacts  export    admin
admin         all     all     all     all     all       none     all     all        all       all       all
pmo           all     all     all     all     approval  member   all     member     member    approval  none
content_lead  member  member  member  member  approval  member   none    none       member    approval  none
media         member  own     own     own     none      none     none    none       none      none      none
ads           member  member  own     own     none      none     member  none       none      approval  none
ops           member  member  member  member  approval  none     member  none       none      approval  none
design        member  own     own     own     none      none     none    none       none      none      none
purchasing    member  member  own     own     none      none     member  member     none      approval  none
cs            member  own     own     own     none      none     none    none       none      none      none
finance       all     own     own     own     none      all      all     all        none      all       none
legal         all     member  member  member  none      all      none    member     member    approval  none
creator       shared  none    own     own     none      none     none    none       none      none      none
us_partner    shared  none    none    none    none      none     none    none       none      none      none
intern        member  own     own     own     none      none     none    none       none      none      none
"""

ROLES: dict[str, dict[str, str]] = {
    role: dict(zip(PERMISSIONS, scopes, strict=True))
    for role, *scopes in (line.split() for line in _POLICY.strip().splitlines()[1:])
}


def scope_in(policy: dict[str, dict[str, str]], role: str, permission: str) -> str:
    """The scope that a role has where a workspace's policy differs from the shipped one, or not."""
    return policy.get(role, {}).get(permission) or ROLES[role][permission]


EXTERNAL_ROLES = frozenset({"creator", "us_partner"})
READ_ONLY_ROLES = frozenset({"us_partner"})  # seats that change nothing, but speak and attach; counted apart
WORKSPACE_KEEPERS = frozenset({"admin", "pmo"})  # who set it up and keep its calendars and its naming rule
GATE_KEEPERS = frozenset({"legal", "pmo"})  # who may take away what holds a task; others ask for a waiver

MASKED = {
    "budget": "see_budget",
    "currency": "see_budget",
    "suppliers": "see_suppliers",
    "contact": "see_creator_contacts",
}  # a field → the permission without which it is nowhere: no page, export, history, search or answer has it

CHOICES = {
    "view": ("all", "member", "own"),
    "create": ("all", "member", "own", "none"),
    "edit": ("all", "member", "own", "none"),
    "move": ("all", "member", "own", "none"),
    "delete": ("all", "member", "own", "approval", "none"),
    "approve": ("all", "member", "none"),
    "see_budget": ("all", "member", "none"),
    "see_suppliers": ("all", "member", "none"),
    "see_creator_contacts": ("all", "member", "none"),
    "export": ("all", "member", "approval", "none"),
    "admin": ("all", "none"),
}


def choices(role: str, permission: str) -> tuple[str, ...]:
    """The scopes that a workspace may give a role; one alone where it stays as it is shipped.

    An administrator stays one and gets no say in the business; outsiders never get more than they came with.
    """
    shipped = ROLES[role][permission]
    if role == "admin" and permission in ("view", "edit", "approve", "admin"):
        return (shipped,)
    if role in EXTERNAL_ROLES:
        return (shipped,) if shipped == "none" or permission == "view" else (shipped, "none")
    return CHOICES[permission]


REACHES = ("own", "view")  # how a project narrows a person: to tasks of the person's own, or to reading


def narrowed(scope: str, permission: str, reach: str | None) -> str:
    """What is left of a role's scope for somebody whom a project narrows; never more than there was."""
    if reach is None or permission == "view" or scope == "none":
        return scope
    if reach == "own" and permission in ("create", "edit", "move"):
        return "own"
    return "none"
