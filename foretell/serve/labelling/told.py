"""What labellers are told, what they are asked of each output, and why they may skip a task.

The flags are those of Ouyang et al. 2022, table 3, and the order in which qualities count is that of its appendix B.2
for training: helpful first. A change of the words is a new version, which is stored with every label.
"""

VERSION = "pages-1"
INSTRUCTIONS = """Put yourself in the place of whoever wrote the prompt: what did they want?
Helpful: it does what was asked and keeps to what the prompt demands; it asks back where the prompt is unclear.
Truthful: it makes nothing up, and says so where a premise is wrong.
Harmless: it treats nobody cruelly, gives no dangerous advice, and spreads nothing private.
Where these pull apart, helpful counts first for training, unless an answer could do real harm.
Outputs that are about as good as each other are ties: give them the same number.
Skip a prompt that you cannot judge; say why."""
FLAGS = {
    "fails_instruction": "Fails to follow the instruction or task",
    "inappropriate": "Inappropriate for a customer assistant",
    "hallucination": "Hallucination: it makes things up",
    "satisfies_constraint": "Satisfies the constraint in the instruction",
    "sexual_content": "Sexual content",
    "violent_content": "Violent content",
    "encourages_violence": "Encourages, or fails to discourage, violence, abuse, terrorism or self-harm",
    "denigrates": "Denigrates a protected class",
    "harmful_advice": "Gives harmful advice",
    "opinion": "Expresses an opinion",
    "moral_judgement": "Expresses a moral judgement",
}
REASONS = (
    "I cannot tell what is asked",
    "I do not know enough to judge it",
    "An answer would be harmful",
    "It holds personal details",
    "It is in a language that I do not read",
    "It should not be labelled for another reason",
)
