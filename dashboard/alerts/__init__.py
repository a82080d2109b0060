"""Alerts: what is wrong with a store's boxes and counts is told once, and once when it is over.

| file | what is in it |
|---|---|
| `alert` | an alert, and which of them began or ended; pure |
| `rules` | from what is known of a store to its alerts; pure |
| `hours` | when a store is open, from its settings or from past figures |
| `gather` | what is known of each store, from the database |
| `targets` | whom to tell, in the database |
| `notices` | the alerts that are on, and what is to be told, in the database |
| `turn` | which of several programs looks after the alerts |
| `wording` | an alert as a sentence, in the language of the target |
| `sending` | by e-mail, webhook, and what else apprise reaches |
| `keeper` | the thread that does all of it every half minute |
"""
