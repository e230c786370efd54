"""Draw the sample certificates. All people, addresses and amounts are invented.

`python samples/make_samples.py FONT` needs reportlab and a TrueType Mincho font, such as the one of Debian's
fonts-ipaexfont (its glyphs used here are embedded, as its licence allows).
"""

import sys
from pathlib import Path

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

FONT = "Mincho"
FOLDER = Path(__file__).parent

Rows = list[tuple[str, str]]

# File name, then what differs between the certificates. An amount of zero prints as 0.
SAMPLES: dict[str, Rows] = {
    "所得証明書-試験花子.pdf": [
        ("住所", "福岡県飯塚市架空町1番2号"),
        ("氏名", "試験 花子"),
        ("生年月日", "昭和60年4月1日"),
        ("給与収入金額", "4,120,000円"),
        ("給与所得金額", "2,856,000円"),
        ("公的年金等収入金額", "0円"),
        ("合計所得金額", "2,856,000円"),
        ("所得控除合計", "1,103,400円"),
        ("課税標準額", "1,752,000円"),
        ("備考", ""),
    ],
    "所得証明書-年金受給者.pdf": [
        ("住所", "福岡県飯塚市架空町3番4号"),
        ("氏名", "見本 太郎"),
        ("生年月日", "昭和22年11月3日"),
        ("給与収入金額", "0円"),
        ("給与所得金額", "0円"),
        ("公的年金等収入金額", "1,987,600円"),
        ("合計所得金額", "887,600円"),
        ("所得控除合計", "712,300円"),
        ("課税標準額", "175,000円"),
        ("備考", ""),
    ],
    "非課税証明書-外国人住民.pdf": [
        ("住所", "福岡県飯塚市架空町5番6号 テスト荘201号"),
        ("氏名", "SAMPLE MARIA（サンプル マリア）"),
        ("生年月日", "1998年7月15日"),
        ("給与収入金額", "480,000円"),
        ("給与所得金額", "0円"),
        ("公的年金等収入金額", "0円"),
        ("合計所得金額", "0円"),
        ("所得控除合計", "430,000円"),
        ("課税標準額", "0円"),
        ("備考", "市民税・県民税 非課税"),
    ],
    "所得証明書-髙﨑.pdf": [
        ("住所", "福岡県飯塚市架空町7番8号"),
        ("氏名", "髙﨑 凜"),
        ("生年月日", "平成2年3月1日"),
        ("給与収入金額", "3,000,000円"),
        ("給与所得金額", "2,020,000円"),
        ("公的年金等収入金額", "0円"),
        ("合計所得金額", "2,020,000円"),
        ("所得控除合計", "980,000円"),
        ("課税標準額", "1,040,000円"),
        ("備考", ""),
    ],
}


def draw(path: Path, rows: Rows) -> None:
    """Draw one certificate on an A4 page."""
    page = Canvas(str(path), pagesize=A4, invariant=1)
    page.setTitle("見本")
    width, height = A4
    page.setFont(FONT, 20)
    page.drawCentredString(width / 2, height - 40 * mm, "令和8年度（令和7年分） 所得証明書")
    page.setFont(FONT, 9)
    page.drawCentredString(width / 2, height - 48 * mm, "見本：架空の人物によるもので、効力はありません")
    top = height - 62 * mm
    page.setFont(FONT, 11)
    for number, (label, value) in enumerate(rows):
        y = top - number * 10 * mm
        page.rect(25 * mm, y - 3.5 * mm, 55 * mm, 10 * mm)
        page.rect(80 * mm, y - 3.5 * mm, 105 * mm, 10 * mm)
        page.drawString(28 * mm, y, label)
        page.drawString(83 * mm, y, value)
    foot = top - (len(rows) + 1.5) * 10 * mm
    page.drawString(25 * mm, foot, "上記のとおり相違ないことを証明します。")
    page.drawString(25 * mm, foot - 12 * mm, "令和8年11月24日")
    page.drawRightString(185 * mm, foot - 24 * mm, "飯塚市長　架空 一郎")
    page.showPage()
    page.save()


def main() -> None:
    pdfmetrics.registerFont(TTFont(FONT, sys.argv[1]))
    for name, rows in SAMPLES.items():
        draw(FOLDER / name, rows)


if __name__ == "__main__":
    main()
