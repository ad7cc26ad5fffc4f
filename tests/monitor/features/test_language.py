"""The language of a text is told where that can be known, and nothing is told where it cannot."""

from __future__ import annotations

import numpy as np
import pytest

from homeostat.monitor.features.language import LANGUAGE, REPLY_LANGUAGE, evidence, language_of, languages, words_in
from homeostat.stats.intervals import proportion
from monitor.desk import desk, said

SENTENCES = {
    "en": ("my parcel has not arrived and nobody answers the phone", "could you send the invoice to another address"),
    "de": ("mein Paket ist noch nicht angekommen und niemand meldet sich", "wie kann ich meine Adresse ändern?"),
    "nl": ("mijn pakket is nog steeds niet aangekomen", "hoe kan ik mijn adres wijzigen voordat het wordt verzonden?"),
    "sv": ("mitt paket har inte kommit fram ännu", "hur ändrar jag adressen innan det skickas?"),
    "fr": ("mon colis n'est toujours pas arrivé", "je voudrais changer d'adresse avant la livraison"),
    "es": ("mi paquete todavía no ha llegado y nadie contesta", "quisiera cambiar la dirección antes del envío"),
    "pt": ("a minha encomenda ainda não chegou", "gostaria de mudar o endereço antes do envio, obrigada"),
    "it": ("il mio pacco non è ancora arrivato", "vorrei cambiare indirizzo prima della spedizione"),
    "ro": ("coletul meu nu a ajuns încă", "aș vrea să schimb adresa înainte de livrare"),
    "pl": ("moja paczka jeszcze nie dotarła", "chciałbym zmienić adres przed wysyłką"),
    "cs": ("můj balík ještě nedorazil", "chtěl bych před odesláním změnit adresu"),
    "fi": ("pakettini ei ole vielä saapunut", "haluaisin muuttaa osoitteen ennen lähetystä"),
    "hu": ("a csomagom még mindig nem érkezett meg", "szeretném megváltoztatni a címet a szállítás előtt"),
    "tr": ("paketim hâlâ gelmedi ve kimse cevap vermiyor", "gönderilmeden önce adresimi değiştirmek istiyorum"),
    "vi": ("gói hàng của tôi vẫn chưa đến", "tôi muốn đổi địa chỉ trước khi giao hàng"),
    "id": ("paket saya belum sampai juga", "saya ingin mengubah alamat sebelum dikirim"),
    "sw": ("kifurushi changu bado hakijafika", "ningependa kubadilisha anwani kabla ya kutumwa"),
    "ru": ("моя посылка до сих пор не пришла", "хочу изменить адрес до отправки"),
    "uk": ("моя посилка досі не прийшла", "хочу змінити адресу до відправлення"),
    "ar": ("لم تصل شحنتي حتى الآن", "أريد تغيير العنوان قبل الإرسال"),
    "fa": ("بسته من هنوز نرسیده است", "می‌خواهم آدرس را پیش از ارسال تغییر دهم"),
    "hi": ("मेरा पार्सल अभी तक नहीं आया है", "मैं भेजने से पहले पता बदलना चाहता हूँ"),
    "ja": ("荷物がまだ届いていません", "発送前に住所を変更したいです"),
    "zh": ("我的包裹还没有到", "我想在发货前更改地址"),
    "ko": ("소포가 아직 도착하지 않았어요", "발송 전에 주소를 변경하고 싶습니다"),
    "el": ("το δέμα μου δεν έχει φτάσει ακόμα", "θέλω να αλλάξω διεύθυνση πριν την αποστολή"),
    "he": ("החבילה שלי עדיין לא הגיעה", "אני רוצה לשנות את הכתובת לפני המשלוח"),
    "th": ("พัสดุของฉันยังไม่มาถึง", "ฉันต้องการเปลี่ยนที่อยู่ก่อนจัดส่ง"),
}
"""What a customer would write, none of it from the lists that languages are told by."""


@pytest.mark.parametrize("language", SENTENCES)
def test_what_a_customer_writes_is_told_as_nothing_else(language: str) -> None:
    """Each sentence is told rightly or not at all."""
    assert {language_of(text) for text in SENTENCES[language]} <= {language, ""}


def test_most_sentences_are_told() -> None:
    """Of single sentences of four to twelve words at least four in five, of both together nine in ten."""
    alone = [bool(language_of(text)) for texts in SENTENCES.values() for text in texts]
    both = [language_of(". ".join(texts)) == language for language, texts in SENTENCES.items()]
    assert np.mean(alone) >= 0.8
    assert np.mean(both) >= 0.9


def test_real_english_is_hardly_ever_told_as_another_language() -> None:
    """Of 2,948 messages to a desk nine in ten are told, and of those told fewer than one in a hundred as another."""
    told = LANGUAGE.of(desk(), ())
    wrong = int(np.sum((told != "en") & (told != "")))
    assert np.mean(told == "en") > 0.9
    assert proportion(wrong, len(told)).high < 0.01


@pytest.mark.parametrize(
    "text", ["", "ok", "12:30 !!!", "🙂🙂", "iPhone 15 Pro", "a@b.com https://example.org/la/casa"]
)
def test_what_says_too_little_is_told_no_language(text: str) -> None:
    """A word that many languages have, names, numbers and addresses."""
    assert language_of(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "qaplaʼ tlhIngan maH nuqneH jIyaj yIqaw",
        "xkcd qwrt zxcv bnmp lkjh gfds",
        "lorem kjasdh qwe oiuqwe zmxncb alskdj qpwoei",
        "⠓⠑⠇⠇⠕ ⠺⠕⠗⠇⠙",
        "ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ",
    ],
)
def test_what_is_none_of_them_is_told_none(text: str) -> None:
    """Made-up words, keys at random, and scripts of which nothing is known."""
    assert language_of(text) == ""


def test_letters_tell_where_no_word_is_listed() -> None:
    """Words that stand in no list are still far likelier by their letters in a language that is written so."""
    words = ["Geschwindigkeitsbegrenzung", "Entschädigung", "verschickt"]
    from_letters = evidence(" ".join(words), "LATIN")
    assert language_of(" ".join(words)) == "de"
    assert evidence(" ".join(words * 2), "LATIN") == pytest.approx(2 * from_letters)


def test_a_word_in_another_script_does_not_hide_the_language() -> None:
    """Product names in Latin letters in a Russian request, and Kana among Chinese characters."""
    assert language_of("хочу вернуть iPhone, потому что он не работает") == "ru"
    assert language_of("iPhone 15 を返品したいのですが") == "ja"


def test_words_keep_their_signs_and_lose_addresses() -> None:
    """Vowel signs and accents belong to a word; what a mail address or a link holds is none."""
    assert words_in("नहीं Été don’t") == ["नहीं", "été", "don't"]
    assert words_in("write to me@la.casa or see https://el.perro/x 24/7") == ["write", "to", "or", "see"]


def test_both_features_and_the_list_of_languages() -> None:
    """Requests and replies each have theirs; every language in the lists can be told."""
    row = said(1, SENTENCES["de"][0], reply=SENTENCES["fr"][1])
    assert (LANGUAGE.of([row], ()).tolist(), REPLY_LANGUAGE.of([row], ()).tolist()) == (["de"], ["fr"])
    assert len(LANGUAGE.of([], ())) == 0
    assert set(SENTENCES) < set(languages())
    assert len(languages()) > 70
