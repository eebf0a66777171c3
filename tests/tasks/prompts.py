"""What a model reads, put together as plainly as the paper says: instruction, demonstrations, the question."""

from foretell.tasks.item import shown


def few_shot(task, demonstrations, item):
    return task.instruction + task.separator.join([*map(shown, demonstrations), item.context])


def zero_shot(task, item):
    instruction = task.instruction if task.zero_instruction is None else task.zero_instruction
    zero = getattr(item, "zero_context", None)
    return instruction + (item.context if zero is None else zero)
