"""A template used for a category that it was not made for, and what it lacks there."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

from linkstar.packs.parts import Checklist, Edge, Task, Template, predecessor


def missing_for(template: Template, categories: Collection[str], templates: Iterable[Template]) -> list[Task]:
    """The tasks that the variants for these categories have and this template has not, fit to be added to it: they
    come after what is there or is added as well. Nothing where the template fits."""
    made_for = template.applies_to.categories
    if not categories or not made_for or {"all", *categories} & set(made_for):
        return []
    added: dict[str, Task] = {}
    for other in templates:
        if _is_variant(other, template) and not set(categories).isdisjoint(other.applies_to.categories):
            added |= {key: task for key, task in other.tasks.items() if key not in template.tasks | added}
    there = template.tasks | added
    return [
        replace(task, depends_on=tuple(edge for edge in task.depends_on if predecessor(edge) in there))
        for task in added.values()
    ]


def completed(template: Template, categories: Collection[str], templates: Iterable[Template]) -> Template:
    """The template with what it lacks for these categories: in the phases that the variants have it in, with its
    lists, and in front of the tasks that wait for it there."""
    templates = list(templates)
    missing = missing_for(template, categories, templates)
    if not missing:
        return template
    there = template.tasks | {task.key: task for task in missing}
    home, waiting, lists = _in_variants(template, missing, templates)
    linked = {key: _waits_for(task, waiting.get(key, [])) for key, task in there.items()}
    if _circular(linked.values()):
        linked = there  # the variants' order does not hold here
    phases = [
        replace(phase, tasks=tuple(task for key, task in linked.items() if home[key] == phase.key))
        for phase in template.phases
    ]
    own = {each.key: each for each in template.checklists}
    return replace(template, phases=tuple(phases), checklists=tuple((lists | own).values()))


def _in_variants(
    template: Template, missing: Iterable[Task], templates: Iterable[Template]
) -> tuple[dict[str, str], dict[str, list[str]], dict[str, Checklist]]:
    """The phase of each task, own or missing (the first one where the variant's is not here); who waits for a missing
    one in a variant; and the lists that the variants hold."""
    home = {task.key: phase.key for phase in template.phases for task in phase.tasks}
    known, keys = {phase.key for phase in template.phases}, {task.key for task in missing}
    waiting: dict[str, list[str]] = {}
    lists: dict[str, Checklist] = {}
    for other in templates:
        if not _is_variant(other, template) or keys.isdisjoint(other.tasks):
            continue
        lists |= {each.key: each for each in other.checklists}
        for phase in other.phases:
            for task in phase.tasks:
                home.setdefault(task.key, phase.key if phase.key in known else template.phases[0].key)
                if task.key in template.tasks:
                    waiting.setdefault(task.key, []).extend(key for key, _lag in task.after if key in keys)
    return home, waiting, lists


def _waits_for(task: Task, more: Iterable[str]) -> Task:
    there = {predecessor(edge) for edge in task.depends_on}
    edges = (Edge(task=key, lag=0) for key in dict.fromkeys(more) if key not in there)
    return replace(task, depends_on=(*task.depends_on, *edges))


def _circular(tasks: Iterable[Task]) -> bool:
    try:
        TopologicalSorter({task.key: [key for key, _lag in task.after] for task in tasks}).prepare()
    except CycleError:
        return True
    return False


def _is_variant(one: Template, other: Template) -> bool:
    """Do they come from one base (or say so by their keys) and serve a common platform?"""
    base, second = one.variant_of or one.key, other.variant_of or other.key
    platforms = set(one.applies_to.platforms)
    related = base == second or base.startswith(f"{second}_") or second.startswith(f"{base}_")
    return related and not platforms.isdisjoint(other.applies_to.platforms)
