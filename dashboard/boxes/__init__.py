"""The boxes at the server: what each last said, how it was in each hour, and when a store last sent anything."""
