"""The nouns with their rules. Everyone else says `from linkstar.models import Task`."""

from linkstar.models.role import EXTERNAL_ROLES, MASKED, PERMISSIONS, READ_ONLY_ROLES, ROLES
from linkstar.models.user import SignIn, User
from linkstar.models.audit_event import AuditEvent, AuditLink
from linkstar.models.identity import Identity, RecoveryCode
from linkstar.models.second_factor import SecondFactor
from linkstar.models.workspace import Workspace
from linkstar.models.preference import MAILS, TOPICS, Mute, Preference, PushSubscription
from linkstar.models.notification import BY_NAME, TOPIC_OF, URGENT, Delivery, Digest, Notification
from linkstar.models.unsubscription import OF_ONE_CLICK, Unsubscription
from linkstar.models.mailed_link import MailedLink
from linkstar.models.password import change_password, send_reset
from linkstar.models.membership import Departure, Membership, entries_to, invitations_to
from linkstar.models.api_token import SCOPES, ApiToken
from linkstar.models.label import Label, TaskLabel
from linkstar.models.calendar_day import CalendarDay, calendars_of
from linkstar.models.calendar_event import CalendarEvent
from linkstar.models.absence import Absence
from linkstar.models.partner import Partner
from linkstar.models.template import (
    InstalledPack,
    Template,
    TemplateVersion,
    is_template_keeper,
    keeps_templates,
    library_of,
    packs_of,
    start_blank,
)
from linkstar.models.project import Project, ProjectMember
from linkstar.models.calendar_feed import CalendarFeed
from linkstar.models.baseline import Baseline, BaselineSpan
from linkstar.models.stage import Stage
from linkstar.models.evidence import EVIDENCE, Evidence
from linkstar.models.checklist import Checklist, ChecklistItem
from linkstar.models.phase import Phase, PhaseGate
from linkstar.models.dependency import Dependency
from linkstar.models.waiver import Waiver, WaiverVote
from linkstar.models.gate_passage import GatePassage
from linkstar.models.hold import Hold
from linkstar.models.task import PLATFORMS, PRIORITIES, Participant, Task
from linkstar.models.handover_note import HandoverNote
from linkstar.models.heard import Heard
from linkstar.models.channel import EVENTS, Channel, Post
from linkstar.models.reminder import Reminder
from linkstar.models.emergency import Emergency, Inlet
from linkstar.models.automation import Automation, AutomationRun
from linkstar.models.occasion import Occasions
from linkstar.models.missing import Missing
from linkstar.models.attachment import LARGEST_FILM, Attachment, AttachmentVersion, ReceivedFile
from linkstar.models.upload import StorageUse, Upload
from linkstar.models.comment import Comment, Mention
from linkstar.models.saved_view import SavedView
from linkstar.models.idempotent_request import IdempotentRequest
from linkstar.models.refusal import (
    AlreadyDecided,
    AlreadySplit,
    CannotAutomate,
    CannotTakeOver,
    CodesUsedUp,
    CycleRefused,
    DayPassed,
    ErasureRefused,
    EvidenceMissing,
    FileRefused,
    FlowBroken,
    KeyReused,
    LastAdministrator,
    MatrixChanged,
    MemberChanged,
    MoveRefused,
    NotAllowed,
    Overtaken,
    PositionGone,
    Refusal,
    StaleVersion,
    StillOwns,
    StillUsed,
    TooManyChannels,
    UndoRefused,
)
from linkstar.models.project_code import (
    PARTS,
    WORD,
    example,
    follows_rule,
    free_code,
    free_key,
    is_rule,
    next_code,
    set_rule,
)
from linkstar.models.plan import Clash, Plan, Replan, Shift
from linkstar.models.split import Split
from linkstar.models.launch import Launch
from linkstar.models.declaration import Declaration
from linkstar.models.deed import Deed
from linkstar.models.outline import Outline
from linkstar.models.template_draft import TemplateDraft
from linkstar.models.project_copy import ProjectCopy
from linkstar.models.undo import Undo
from linkstar.models.bulk_edit import BulkEdit
from linkstar.models.operations import (
    OPERATIONS,
    ChangeBudget,
    ChangeMany,
    DeleteProject,
    DeleteTask,
    ExportHistory,
    Operation,
    PublishTemplate,
)
from linkstar.models.approval import Approval, ApprovalVote, decided_by
from linkstar.models.trash import KEPT, Trash
from linkstar.models.handover import Handover
from linkstar.models.privacy import PersonalData
from linkstar.models.inbox import digests_due, notices_in, notices_of, with_all_they_say, write_digest

__all__ = [
    "BY_NAME",
    "EVENTS",
    "EVIDENCE",
    "EXTERNAL_ROLES",
    "KEPT",
    "LARGEST_FILM",
    "MAILS",
    "MASKED",
    "OF_ONE_CLICK",
    "OPERATIONS",
    "PARTS",
    "PERMISSIONS",
    "PLATFORMS",
    "PRIORITIES",
    "READ_ONLY_ROLES",
    "ROLES",
    "SCOPES",
    "TOPICS",
    "TOPIC_OF",
    "URGENT",
    "WORD",
    "Absence",
    "AlreadyDecided",
    "AlreadySplit",
    "ApiToken",
    "Approval",
    "ApprovalVote",
    "Attachment",
    "AttachmentVersion",
    "AuditEvent",
    "AuditLink",
    "Automation",
    "AutomationRun",
    "Baseline",
    "BaselineSpan",
    "BulkEdit",
    "CalendarDay",
    "CalendarEvent",
    "CalendarFeed",
    "CannotAutomate",
    "CannotTakeOver",
    "ChangeBudget",
    "ChangeMany",
    "Channel",
    "Checklist",
    "ChecklistItem",
    "Clash",
    "CodesUsedUp",
    "Comment",
    "CycleRefused",
    "DayPassed",
    "Declaration",
    "Deed",
    "DeleteProject",
    "DeleteTask",
    "Delivery",
    "Departure",
    "Dependency",
    "Digest",
    "Emergency",
    "ErasureRefused",
    "Evidence",
    "EvidenceMissing",
    "ExportHistory",
    "FileRefused",
    "FlowBroken",
    "GatePassage",
    "Handover",
    "HandoverNote",
    "Heard",
    "Hold",
    "IdempotentRequest",
    "Identity",
    "Inlet",
    "InstalledPack",
    "KeyReused",
    "Label",
    "LastAdministrator",
    "Launch",
    "MailedLink",
    "MatrixChanged",
    "MemberChanged",
    "Membership",
    "Mention",
    "Missing",
    "MoveRefused",
    "Mute",
    "NotAllowed",
    "Notification",
    "Occasions",
    "Operation",
    "Outline",
    "Overtaken",
    "Participant",
    "Partner",
    "PersonalData",
    "Phase",
    "PhaseGate",
    "Plan",
    "PositionGone",
    "Post",
    "Preference",
    "Project",
    "ProjectCopy",
    "ProjectMember",
    "PublishTemplate",
    "PushSubscription",
    "ReceivedFile",
    "RecoveryCode",
    "Refusal",
    "Reminder",
    "Replan",
    "SavedView",
    "SecondFactor",
    "Shift",
    "SignIn",
    "Split",
    "Stage",
    "StaleVersion",
    "StillOwns",
    "StillUsed",
    "StorageUse",
    "Task",
    "TaskLabel",
    "Template",
    "TemplateDraft",
    "TemplateVersion",
    "TooManyChannels",
    "Trash",
    "Undo",
    "UndoRefused",
    "Unsubscription",
    "Upload",
    "User",
    "Waiver",
    "WaiverVote",
    "Workspace",
    "calendars_of",
    "change_password",
    "decided_by",
    "digests_due",
    "entries_to",
    "example",
    "follows_rule",
    "free_code",
    "free_key",
    "invitations_to",
    "is_rule",
    "is_template_keeper",
    "keeps_templates",
    "library_of",
    "next_code",
    "notices_in",
    "notices_of",
    "packs_of",
    "send_reset",
    "set_rule",
    "start_blank",
    "with_all_they_say",
    "write_digest",
]
