"""The special tokens of each kind of tokenizer, by name: no text can write them, only the program can.

    kind        stands between documents    others
    bpe         <|endoftext|> (GPT-2)       <|system|> <|user|> <|assistant|> <|end|>, the chat's
    gpt1        <|endoftext|>               <unk>, and <start> <delim> <extract> (Radford et al. 2018, section 3.3)
    wordpiece   [SEP]                       [PAD] [UNK] [CLS] [MASK] (Devlin et al. 2018, section 3)

GPT-1's paper does not say what stood between its books; we put the token that GPT-2 put there. Where a kind has no
token for padding, its end-of-text token pads: padded positions are masked, so what they hold teaches nothing.
"""

from typing import Literal, get_args

Kind = Literal["bpe", "gpt1", "wordpiece"]
KINDS: tuple[Kind, ...] = get_args(Kind)

END_OF_TEXT = "<|endoftext|>"
END_OF_TURN = "<|end|>"
ROLES = ("system", "user", "assistant")
CHAT = (*(f"<|{role}|>" for role in ROLES), END_OF_TURN)

BPE = (END_OF_TEXT, *CHAT)
IMAGE = "<|image|>"  # stands for a patch of an image; a vocabulary has it where its model sees
IMAGE_PLACE = "<image>"  # as people write it in a prompt
IMAGE_MARK = "\ufffc"  # in a turn's text, where an image stands: Unicode's OBJECT REPLACEMENT CHARACTER
GPT1_UNKNOWN = "<unk>"
GPT1_ADDED = ("<start>", "<delim>", "<extract>", END_OF_TEXT)
WORDPIECE = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")

IN_TRANSFORMERS: dict[Kind, dict[str, str]] = {
    "bpe": {"bos_token": END_OF_TEXT, "eos_token": END_OF_TEXT, "pad_token": END_OF_TEXT},
    "gpt1": {"unk_token": GPT1_UNKNOWN, "bos_token": "<start>", "eos_token": END_OF_TEXT, "pad_token": END_OF_TEXT},
    "wordpiece": {
        "pad_token": "[PAD]",
        "unk_token": "[UNK]",
        "cls_token": "[CLS]",
        "sep_token": "[SEP]",
        "mask_token": "[MASK]",
    },
}
"""what each role that tokenizer_config.json knows is called here"""

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] not in ['system', 'user', 'assistant'] %}"
    "{{ raise_exception('roles are system, user and assistant') }}"
    "{% endif %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
"""chat_template.jinja for other tools; our own chats are made of ids (chat.py), where text cannot pose as a turn"""
CHAT_TEMPLATE_IMAGES = CHAT_TEMPLATE.replace(
    "{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}",
    "{{ '<|' + message['role'] + '|>' }}"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}{{ '<|image|>' }}{% elif part['type'] == 'text' %}{{ part['text'] }}"
    "{% else %}{{ raise_exception('parts are text and image') }}{% endif %}"
    "{% endfor %}{% endif %}"
    "{{ '<|end|>' }}",
)
"""the same where a message may be a list of parts, as transformers' processors have it"""
