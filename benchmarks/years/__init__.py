"""Years of believable days for any number of shops: the world (pure), what its cameras count, and the sending of it.

`make_years(make_shop(0), until, days)` gives a shop's days as records, without a database; `send_years` sends those of
many shops to an ingest.
"""

from benchmarks.years.sending import send_years
from benchmarks.years.shop import Shop, make_shop
from benchmarks.years.shop_years import ShopYears, make_years, visitors_by_hour

__all__ = ["Shop", "ShopYears", "make_shop", "make_years", "send_years", "visitors_by_hour"]
