"""Everything about text: conversations, their tokens, and what is made of them."""
