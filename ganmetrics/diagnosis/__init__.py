"""What is wrong and what to try: verdicts that combine scores, with their evidence."""
