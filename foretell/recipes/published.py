"""What GPT-3 reached: accuracies in percent of its eight sizes (Brown et al. 2020, table H.1), to stand beside ours.

Only values that we have checked in the table are here; a value that we could not is None.
"""

from math import log

SIZES = {
    "125M": 125e6, "350M": 350e6, "760M": 760e6, "1.3B": 1.3e9,
    "2.7B": 2.7e9, "6.7B": 6.7e9, "13B": 13e9, "175B": 175e9,
}  # fmt: skip

Values = tuple[float | None, ...]
GPT3: dict[str, dict[str, Values]] = {
    "two_digit_addition": {
        "0": (0.70, 0.65, 0.70, 0.85, 1.10, 2.54, 15.4, 76.9),
        "1": (2.00, 0.55, 3.15, 4.00, 12.1, 19.6, 73.0, 99.6),
        "few": (2.00, 4.10, 3.50, 4.50, 8.90, 11.9, 55.5, 100.0),
    },
    "two_digit_subtraction": {
        "0": (1.25, 1.25, 1.25, 1.25, 1.60, 7.60, 12.6, 58.0),
        "1": (1.15, 0.95, 1.45, 1.95, 3.85, 11.5, 44.6, 86.4),
        "few": (1.15, 1.45, 2.25, 2.70, 7.35, 13.6, 52.4, 98.9),
    },
    "three_digit_addition": {
        "0": (0.10, 0.10, 0.05, 0.10, 0.10, 0.25, 1.40, 34.2),
        "1": (0.15, 0.00, 0.10, 0.30, 0.45, 0.95, 15.4, 65.5),
        "few": (0.15, 0.45, 0.30, 0.55, 0.75, 0.90, 8.40, 80.4),
    },
    "three_digit_subtraction": {
        "0": (0.05, 0.05, 0.05, 0.05, 0.05, 0.45, 1.35, 48.3),
        "1": (0.05, 0.15, 0.25, 0.30, 0.55, 1.60, 6.15, 78.7),
        "few": (0.05, 0.10, 0.15, 0.35, 0.65, 1.05, 9.20, 94.2),
    },
    "four_digit_addition": {
        "0": (0.05, 0.05, 0.00, 0.00, 0.05, 0.05, 0.15, 4.00),
        "1": (0.00, 0.00, 0.10, 0.00, 0.00, 0.10, 0.80, 14.0),
        "few": (0.00, 0.05, 0.05, 0.00, 0.15, 0.15, 0.40, 25.5),
    },
    "four_digit_subtraction": {
        "0": (None, None, None, None, None, None, 0.10, 7.50),
        "1": (None, None, None, None, None, None, 0.50, 14.0),
        "few": (None, None, None, None, None, None, 0.40, 26.8),
    },
    "five_digit_addition": {
        "0": (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.65),
        "1": (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.05, 3.45),
        "few": (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.05, 9.30),
    },
    "five_digit_subtraction": {
        "0": (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.80),
        "1": (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.05, 3.75),
        "few": (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 9.90),
    },
    "two_digit_multiplication": {
        "0": (2.20, 2.25, 2.65, 2.10, 2.55, 5.80, 6.15, 19.8),
        "1": (1.35, 2.35, 3.35, 2.35, 4.75, 9.15, 11.0, 27.4),
        "few": (1.35, 2.90, 2.70, 2.85, 4.25, 6.10, 7.05, 29.2),
    },
    "single_digit_three_ops": {
        "0": (1.25, 2.95, 2.75, 0.05, 0.30, 2.35, 0.75, 9.75),
        "1": (1.90, 2.80, 2.85, 3.65, 6.45, 9.15, 8.20, 14.3),
        "few": (1.70, 2.15, 3.90, 5.75, 6.20, 7.60, 9.95, 21.3),
    },
    "cycle_letters_in_word": {
        "0": (0.62, 0.71, 2.85, 0.00, 0.63, 1.35, 2.58, 3.66),
        "1": (1.67, 4.36, 5.68, 6.46, 6.25, 9.41, 15.1, 21.7),
        "few": (4.63, 9.27, 10.7, 14.5, 16.7, 21.9, 27.7, 37.9),
    },
    "mid_word_1_anagrams": {
        "0": (0.10, 0.14, 0.40, 0.00, 0.27, 0.69, 1.16, 2.28),
        "1": (0.21, 0.61, 1.12, 1.27, 1.60, 2.72, 3.72, 8.62),
        "few": (0.50, 1.27, 2.13, 3.05, 3.81, 5.49, 8.38, 15.1),
    },
    "mid_word_2_anagrams": {
        "0": (0.81, 1.21, 2.69, 0.01, 1.71, 3.75, 4.53, 8.91),
        "1": (1.19, 2.62, 4.70, 4.77, 6.97, 10.2, 14.6, 25.9),
        "few": (1.94, 4.80, 7.59, 9.87, 12.6, 18.9, 25.6, 39.7),
    },
    "random_insertion_in_word": {
        "0": (0.0, 0.0, 0.10, 0.0, 0.05, 0.42, 0.89, 8.26),
        "1": (0.03, 0.05, 0.57, 1.18, 1.67, 3.46, 6.62, 45.4),
        "few": (0.11, 0.28, 2.19, 4.18, 6.61, 11.0, 27.3, 67.2),
    },
    "reversed_words": {
        "0": (0.0, 0.01, 0.01, 0.01, 0.02, 0.03, 0.03, 0.09),
        "1": (0.02, 0.01, 0.01, 0.0, 0.05, 0.07, 0.11, 0.48),
        "few": (0.0, 0.05, 0.0, 0.17, 0.24, 0.30, 0.42, 0.44),
    },
    "lambada": {
        "0": (42.7, 54.3, 60.4, 63.6, 67.1, 70.3, 72.5, 76.2),
        "few": (22.0, 40.4, 63.2, 57.0, 78.1, 79.1, 81.3, 86.4),
    },
    "hellaswag": {"0": (33.7, 43.6, 51.0, 54.7, 62.8, 67.4, 70.9, 78.9)},
    "piqa": {"0": (64.6, None, None, None, None, None, None, 81.0)},
    "winograd": {"0": (66.3, None, None, None, None, None, None, 88.3)},
    "sat_analogies": {
        "0": (35.6, 39.0, 45.2, 44.1, 50.0, 49.2, 52.7, 53.7),
        "few": (30.5, 40.4, 42.8, 40.6, 48.4, 51.9, 53.5, 65.2),
    },
}


def nearest_size(n_parameters: float) -> str:
    """GPT-3's size that is nearest on a logarithmic scale."""
    return min(SIZES, key=lambda name: abs(log(SIZES[name] / n_parameters)))


def published(task: str, shots: str, n_parameters: float) -> dict[str, float | str] | None:
    """GPT-3's accuracy in percent at the nearest size, and that size; None where the paper, or we, have none."""
    size = nearest_size(n_parameters)
    values = GPT3.get(task, {}).get(shots)
    value = values[list(SIZES).index(size)] if values else None
    return None if value is None else {"size": size, "value": value}
