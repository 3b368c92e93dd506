"""What a report claims, read from its text: quantities, versions, commands, and where they contradict one another.

Anybody's Markdown, Chinese or English. Nothing here knows a summary of ours, a device or a language of output: findings
are ids with the places and figures that show them.
"""
