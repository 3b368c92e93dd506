"""Two hundred prompts as people write them: ten asks of twenty subjects."""

from __future__ import annotations

ASKS = (
    "What is {}?",
    "Explain {} to a child of ten years.",
    "Write a short poem about {}.",
    "Give me three facts about {}.",
    "Why does {} matter? Answer in one sentence.",
    "Write an email to a colleague in which you ask about {}.",
    "I have to give a talk about {} tomorrow. What should the first slide say?",
    "List five words that have to do with {}, separated by commas.",
    "Translate to French: I read a book about {} yesterday, and I liked it.",
    "Write a Python function whose name and docstring have to do with {}.",
)
SUBJECTS = (
    "gravity",
    "the water cycle",
    "Ada Lovelace",
    "bread",
    "the Silk Road",
    "prime numbers",
    "bicycles",
    "volcanoes",
    "the printing press",
    "honey bees",
    "chess",
    "the Great Wall",
    "photosynthesis",
    "tea",
    "lighthouses",
    "matrix multiplication",
    "the Moon",
    "vaccines",
    "paper",
    "wolves",
)
# Neighbours differ in both, so that the first few are a sample of all.
PROMPTS = tuple(
    ASKS[(number + number // len(SUBJECTS)) % len(ASKS)].format(SUBJECTS[number % len(SUBJECTS)])
    for number in range(len(ASKS) * len(SUBJECTS))
)
