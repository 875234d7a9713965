"""The pack's sensitive operations, one class each, by the pack's key. gate_exception is a waiver of its own
(models/waiver.py); connector_credentials, publish_content, creator_payment and emergency_close come with what they are
about."""

from linkstar.models.operations.change_budget import ChangeBudget
from linkstar.models.operations.change_many import ChangeMany
from linkstar.models.operations.delete_project import DeleteProject
from linkstar.models.operations.delete_task import DeleteTask
from linkstar.models.operations.export_history import ExportHistory
from linkstar.models.operations.operation import Operation
from linkstar.models.operations.publish_template import PublishTemplate
from linkstar.models.operations.role_change import RoleChange

OPERATIONS: dict[str, type[Operation]] = {
    each.key: each
    for each in (ChangeBudget, ChangeMany, DeleteProject, DeleteTask, ExportHistory, PublishTemplate, RoleChange)
}

__all__ = [
    "OPERATIONS",
    "ChangeBudget",
    "ChangeMany",
    "DeleteProject",
    "DeleteTask",
    "ExportHistory",
    "Operation",
    "PublishTemplate",
    "RoleChange",
]
