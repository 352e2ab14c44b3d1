"""Languages told by script, letters and small words; texts are ours."""

import subprocess
import sys

import pytest

from monitor.reading.language import choose_language, detect_language

SAMPLES = {
    "en": "The council said on Monday that the bridge will be closed for a week, and that buses will run instead.",
    "ru": "В понедельник совет сообщил, что мост будет закрыт на неделю, а вместо него пойдут автобусы.",
    "uk": "У понеділок рада повідомила, що міст буде закрито на тиждень, а замість нього їздитимуть автобуси.",
    "kk": "Дүйсенбіде кеңес көпірдің бір аптаға жабылатынын және оның орнына автобустар жүретінін хабарлады.",
    "de": "Der Rat teilte am Montag mit, dass die Brücke für eine Woche gesperrt wird und Busse fahren.",
    "fr": "Le conseil a annoncé lundi que le pont sera fermé pendant une semaine et que des bus circuleront.",
    "es": "El consejo anunció el lunes que el puente estará cerrado durante una semana y que habrá autobuses.",
    "pt": "O conselho anunciou na segunda-feira que a ponte será fechada por uma semana e que haverá ônibus.",
    "it": "Il consiglio ha annunciato lunedì che il ponte sarà chiuso per una settimana e che ci sono autobus.",
    "nl": "De raad zei maandag dat de brug een week dicht gaat en dat er bussen rijden in de stad.",
    "pl": "Rada podała w poniedziałek, że most będzie zamknięty na tydzień, a zamiast niego pojadą autobusy.",
    "tr": "Meclis pazartesi günü köprünün bir hafta kapalı olacağını ve yerine otobüs geleceğini söyledi.",
    "ar": "قال المجلس يوم الاثنين إن الجسر سيغلق لمدة أسبوع وإن الحافلات ستعمل بدلا منه في المدينة",
    "fa": "شورا روز دوشنبه گفت که پل به مدت یک هفته بسته می‌شود و اتوبوس‌ها به جای آن کار می‌کنند",
    "zh": "市议会周一表示，大桥将关闭一周，届时将由公共汽车代替。",
    "ja": "市議会は月曜日、橋が一週間閉鎖され、代わりにバスが走ると発表した。",
    "ko": "시의회는 월요일 다리가 일주일 동안 폐쇄되고 대신 버스가 운행된다고 밝혔다.",
    "el": "Το συμβούλιο ανακοίνωσε τη Δευτέρα ότι η γέφυρα θα κλείσει για μία εβδομάδα.",
    "he": "המועצה הודיעה ביום שני שהגשר ייסגר לשבוע ושיופעלו אוטובוסים במקומו.",
    "hi": "परिषद ने सोमवार को कहा कि पुल एक सप्ताह के लिए बंद रहेगा और उसकी जगह बसें चलेंगी।",
}


@pytest.mark.parametrize(("lang", "text"), SAMPLES.items())
def test_detect(lang: str, text: str) -> None:
    assert detect_language(text) == lang


@pytest.mark.parametrize("text", ["", "12 345", "ok", "***"])
def test_too_little_to_tell(text: str) -> None:
    assert detect_language(text) is None


def test_a_template_that_lies_is_overruled() -> None:
    assert choose_language("en-US", SAMPLES["ru"]) == "ru"
    assert choose_language("ru_RU", SAMPLES["ru"]) == "ru"
    assert choose_language("", SAMPLES["de"]) == "de"
    assert choose_language("en", "12") == "en"


def test_a_declared_language_that_we_have_no_table_for_is_believed() -> None:
    assert choose_language("is", "Ríkisstjórnin sagði að brúin yrði lokuð í viku og strætó færi aðra leið.") == "is"


def test_nonsense_declarations_are_not_believed() -> None:
    assert choose_language("{{ lang }}", SAMPLES["en"]) == "en"


def test_the_model_is_not_loaded_for_news() -> None:
    """It costs 95 MB: a process that reads ordinary news never loads it."""
    code = "import sys; from monitor.reading.language import detect_language as d; print([d(t) for t in sys.argv[1:]], 'py3langid' in sys.modules)"
    out = subprocess.run(
        [sys.executable, "-c", code, *SAMPLES.values()], capture_output=True, text=True, check=True
    ).stdout
    assert out.strip().endswith("False")
