"""A template used for a category that it was not made for, and what it lacks there."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

from linkstar.packs.parts import Edge, Task, Template, predecessor
from linkstar.packs.strict import order


def missing_for(template: Template, categories: Collection[str], templates: Iterable[Template]) -> list[Task]:
    """The tasks that the variants for these categories have and this template has not, fit to be added to it: they
    come after what is there or is added as well. Nothing where the template fits."""
    added: dict[str, Task] = {}
    for other in _variants(template, categories, templates):
        added |= {key: task for key, task in other.tasks.items() if key not in template.tasks | added}
    there = template.tasks | added
    return [
        replace(task, depends_on=tuple(edge for edge in task.depends_on if predecessor(edge) in there))
        for task in added.values()
    ]


def completed(template: Template, categories: Collection[str], templates: Iterable[Template]) -> Template:
    """The template with what it lacks for these categories: in the phases that the variants have it in, with its
    lists, and in front of the tasks that wait for it there."""
    variants = _variants(template, categories, templates)
    missing = {task.key: task for task in missing_for(template, categories, variants)}
    if not missing:
        return template
    home = {
        task.key: phase.key for each in (*reversed(variants), template) for phase in each.phases for task in phase.tasks
    }
    named = {key for task in missing.values() for key in task.checklists}
    lists = {each.key: each for other in reversed(variants) for each in other.checklists if each.key in named}
    lists |= {each.key: each for each in template.checklists}

    def made_of(tasks: Iterable[Task]) -> Template:
        phases: dict[str, list[Task]] = {phase.key: [] for phase in template.phases}
        for task in tasks:
            phases.get(home[task.key], phases[template.phases[0].key]).append(task)
        filled = tuple(replace(phase, tasks=tuple(phases[phase.key])) for phase in template.phases)
        return replace(template, phases=filled, checklists=tuple(lists.values()))

    linked = made_of([*_waiting(template, variants, missing), *missing.values()])
    # where the variants' order does not hold here, the tasks stand without it
    return made_of([*template.tasks.values(), *missing.values()]) if _circular(linked) else linked


def _variants(template: Template, categories: Collection[str], templates: Iterable[Template]) -> list[Template]:
    made_for = template.applies_to.categories
    if not categories or not made_for or {"all", *categories} & set(made_for):
        return []
    fitting = (other for other in templates if not set(categories).isdisjoint(other.applies_to.categories))
    return [other for other in fitting if _is_variant(other, template)]


def _waiting(template: Template, variants: Iterable[Template], missing: Collection[str]) -> Iterator[Task]:
    """The template's own tasks, each also after the missing ones that it waits for in a variant."""
    for task in template.tasks.values():
        more: dict[str, float] = {}
        for other in variants:
            after = other.tasks[task.key].after if task.key in other.tasks else ()
            more = {key: lag for key, lag in after if key in missing} | more
        edges = (Edge(task=key, lag=lag) for key, lag in more.items())
        yield replace(task, depends_on=(*task.depends_on, *edges))


def _circular(template: Template) -> bool:
    try:
        TopologicalSorter(order(template)).prepare()
    except CycleError:
        return True
    return False


def _is_variant(one: Template, other: Template) -> bool:
    """Do they come from one base (or say so by their keys) and serve a common platform?"""
    base, second = one.variant_of or one.key, other.variant_of or other.key
    platforms = set(one.applies_to.platforms)
    related = base == second or base.startswith(f"{second}_") or second.startswith(f"{base}_")
    return related and not platforms.isdisjoint(other.applies_to.platforms)
