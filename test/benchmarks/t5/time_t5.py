"""Times what the papers run: T5-small of Hugging Face, 20 beams, prefix_allowed_tokens_fn over a trie.

Reads one JSON object from standard input: {"ids": [[code, ...], ...], "beams", "requests", "threads"}.
The weights are random: only time is measured. Writes one JSON object: {"milliseconds": [...], ...}.
"""

import json
import sys
import time

import torch
import transformers
from transformers import T5Config, T5ForConditionalGeneration

PAD, END, FIRST = 0, 1, 2  # token 0 also starts the decoder; a code c of level l is token FIRST + l * span + c


def main() -> None:
    task = json.load(sys.stdin)
    torch.manual_seed(1)
    torch.set_num_threads(task["threads"])
    span = 1 + max(code for codes in task["ids"] for code in codes)
    depth = len(task["ids"][0])
    children: dict[tuple[int, ...], list[int]] = {}
    for codes in task["ids"]:
        tokens = [FIRST + level * span + code for level, code in enumerate(codes)] + [END]
        for length, token in enumerate(tokens):
            children.setdefault(tuple(tokens[:length]), []).append(token)
    allowed = {prefix: sorted(set(tokens)) for prefix, tokens in children.items()}

    config = T5Config(
        vocab_size=FIRST + depth * span,
        d_model=512, d_kv=64, d_ff=2048, num_layers=6, num_decoder_layers=6, num_heads=8,  # T5-small
        decoder_start_token_id=PAD, pad_token_id=PAD, eos_token_id=END,
    )
    model = T5ForConditionalGeneration(config).eval()

    def next_tokens(_batch: int, written: torch.Tensor) -> list[int]:
        return allowed.get(tuple(written.tolist()[1:]), [END])

    def ask(seed: int) -> float:
        # A session of five items: their codes and the end.
        picked = [task["ids"][(seed * 7919 + n * 104729) % len(task["ids"])] for n in range(5)]
        tokens = [FIRST + level * span + code for codes in picked for level, code in enumerate(codes)]
        started = time.perf_counter()
        with torch.inference_mode():
            model.generate(
                input_ids=torch.tensor([tokens + [END]]),
                num_beams=task["beams"],
                num_return_sequences=10,
                max_new_tokens=depth + 1,
                prefix_allowed_tokens_fn=next_tokens,
            )
        return 1000 * (time.perf_counter() - started)

    ask(0)  # warms up
    times = [ask(1 + n) for n in range(task["requests"])]
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    json.dump({"milliseconds": times, **versions}, sys.stdout)


if __name__ == "__main__":
    main()
