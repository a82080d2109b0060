"""What the pages say: the texts in three languages, and how numbers, dates and times are written in them."""
