"""Headless Chromium for tests marked ``browser``, and whether there is one."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from typing import Any

FLAGS = ("headless=new", "no-sandbox", "disable-gpu", "disable-dev-shm-usage", "disable-background-networking")
#: Has the window the size that it was told, which a busy machine is late with. Without and with a scroll bar.
SIZED = "return [innerWidth, document.documentElement.clientWidth].includes(arguments[0])"


def there() -> bool:
    return bool(shutil.which("chromium") and shutil.which("chromedriver") and find_spec("selenium"))


def started() -> Any:
    """A driver that keeps the browser's messages."""
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or "chromium"
    for flag in FLAGS:
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver") or "chromedriver"))


def visit(browser: Any, address: str, width: int, scheme: str) -> None:
    """Opens a page in a window of this width, for readers who want it ``light`` or ``dark``."""
    from selenium.webdriver.support.wait import WebDriverWait

    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    browser.get(address)
    WebDriverWait(browser, 30).until(lambda page: page.execute_script(SIZED, width))
