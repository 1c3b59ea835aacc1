import os
import pickle
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from fedsoft.datasets.pictures import PictureError, is_picture, read_pictures
from fedsoft.errors import DataError
from fedsoft.streams import stream

RNG = stream("odd pictures")
COLOURS = RNG.integers(0, 256, (6, 6, 3), dtype=np.uint8)
GREYS_16 = RNG.integers(0, 65536, (6, 6), dtype=np.uint16)
RAMP = np.tile(np.arange(6, dtype=np.uint8) * 50, (6, 1))
WHITE = [255, 255, 255]


def read_picture(file, size):
    return read_pictures([file], size)[0]


def saved(tmp_path, image, ending="png", **options):
    file = tmp_path / f"picture.{ending}"
    image.save(file, **options)
    return file


def read(tmp_path, image, ending="png", size=6, **options):
    """Of the size that it has, so that nothing is resampled."""
    return read_picture(saved(tmp_path, image, ending, **options), size)


def png(values, bits, kind, transparent=None):
    """A PNG by hand (ISO 15948), since Pillow writes no 16-bit colours and no scaled tRNS.

    ``values`` (H, W, channels) whole numbers of 16 bits, or (H, bytes) packed ones of fewer.
    """
    rows = values.astype(">u2").reshape(len(values), -1).view(np.uint8) if bits == 16 else values
    width = values.shape[1] * (1 if bits == 16 else 8 // bits)

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, len(values), bits, kind, 0, 0, 0)
    keys = b"" if transparent is None else chunk(b"tRNS", np.asarray(transparent, ">u2").tobytes())
    body = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + keys + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def read_bytes(tmp_path, content, size=6):
    file = tmp_path / "written.png"
    file.write_bytes(content)
    return read_picture(file, size)


def grey(values):
    return np.repeat(np.asarray(values)[..., np.newaxis], 3, axis=-1)


def within(picture, expected, levels):
    return np.abs(picture.astype(int) - expected).max() <= levels


def test_ordinary_pictures_are_pillows_bicubic_resampling(tmp_path):
    image = Image.fromarray(RNG.integers(0, 256, (50, 37, 3), dtype=np.uint8))
    expected = np.asarray(image.resize((8, 8), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(read(tmp_path, image, size=8), expected)
    np.testing.assert_array_equal(read(tmp_path, image, "bmp", size=8), expected)


def test_greys_palettes_and_bits_are_their_colours(tmp_path):
    np.testing.assert_array_equal(read(tmp_path, Image.fromarray(RAMP)), grey(RAMP))
    palette = Image.fromarray(RAMP).quantize(8)
    np.testing.assert_array_equal(read(tmp_path, palette), np.asarray(palette.convert("RGB")))
    bits = RAMP > 100
    for ending in ("png", "tif", "pbm"):
        np.testing.assert_array_equal(
            read(tmp_path, Image.fromarray(bits), ending), grey(bits * np.uint8(255))
        )


@pytest.mark.parametrize("ending", ["png", "tif", "pgm", "jp2"])
def test_sixteen_bits_of_grey_are_scaled(ending, tmp_path):
    picture = read(tmp_path, Image.fromarray(GREYS_16), ending)
    np.testing.assert_array_equal(picture, grey(np.rint(GREYS_16 / 257)))


def test_sixteen_bits_of_colour_are_scaled(tmp_path):
    colours = RNG.integers(0, 65536, (6, 6, 3))
    assert within(read_bytes(tmp_path, png(colours, 16, 2)), colours / 257, 1)
    white = np.full((6, 6, 3), 65535)
    assert (read_bytes(tmp_path, png(white, 16, 2)) == 255).all()


def test_sixteen_bits_with_alpha_lie_on_white(tmp_path):
    values = RNG.integers(0, 65536, (6, 6, 2))
    share = values[..., 1] / 65535
    assert within(
        read_bytes(tmp_path, png(values, 16, 4)), grey(values[..., 0] / 257 * share + 255 * (1 - share)), 2
    )


def test_where_zero_is_white_sixteen_bits_are_turned_over(tmp_path):
    picture = read(tmp_path, Image.fromarray(GREYS_16), "tif", tiffinfo={262: 0})
    np.testing.assert_array_equal(picture, grey(np.rint((65535 - GREYS_16.astype(int)) / 257)))


def test_whole_numbers_of_32_bits_are_read_where_they_fit_16(tmp_path):
    picture = read(tmp_path, Image.fromarray(GREYS_16.astype(np.int32)), "tif")
    np.testing.assert_array_equal(picture, grey(np.rint(GREYS_16 / 257)))


@pytest.mark.parametrize(
    "values",
    [GREYS_16.astype(np.int32) - 1 - int(GREYS_16.max()), GREYS_16.astype(np.int32) + 65536, RAMP / 255],
)
def test_pixels_without_a_known_white_are_refused(values, tmp_path):
    image = Image.fromarray(values.astype(np.float32) if values.dtype.kind == "f" else values)
    with pytest.raises(DataError, match=r"picture\.tif holds .* numbers.*; save it with 8 or 16 bits"):
        read(tmp_path, image, "tif")


@pytest.mark.parametrize("ending", ["png", "webp", "tif"])
def test_alpha_lies_on_white(ending, tmp_path):
    alpha = RNG.integers(0, 256, (6, 6, 1), dtype=np.uint8)
    alpha[0] = 0
    alpha[1] = 255
    image = Image.fromarray(np.dstack([COLOURS, alpha]))
    options = {"lossless": True, "exact": True} if ending == "webp" else {}
    picture = read(tmp_path, image, ending, **options)
    share = alpha / 255
    assert within(picture, COLOURS * share + 255 * (1 - share), 1)
    assert (picture[0] == 255).all()
    np.testing.assert_array_equal(picture[1], COLOURS[1])


def test_grey_with_alpha_lies_on_white(tmp_path):
    share = RAMP.T / 255
    picture = read(tmp_path, Image.merge("LA", [Image.fromarray(RAMP), Image.fromarray(RAMP.T)]))
    assert within(picture, grey(RAMP * share + 255 * (1 - share)), 1)


def test_what_is_transparent_leaves_no_seam(tmp_path):
    """Black that nobody sees must not darken its neighbours when they are resampled."""
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    image.paste((255, 255, 255, 255), (0, 0, 20, 40))
    assert (read(tmp_path, image, size=7) == 255).all()


def test_transparent_entries_of_palettes_lie_on_white(tmp_path):
    palette = Image.fromarray(np.arange(36, dtype=np.uint8).reshape(6, 6) % 3, "P")
    palette.putpalette([9, 8, 7, 0, 200, 0, 0, 0, 250])
    picture = read(tmp_path, palette, transparency=1)
    assert (picture[:, 1] == 255).all()
    assert (picture[:, 0] == [9, 8, 7]).all()
    gif = read(tmp_path, palette, "gif", transparency=1)
    assert (gif[:, 1] == 255).all()
    half = read(tmp_path, palette, transparency=bytes([0, 128, 255]))
    np.testing.assert_allclose(half[0, :3], [WHITE, [127, 227, 127], [0, 0, 250]], atol=1)


def test_transparent_values_lie_on_white(tmp_path):
    np.testing.assert_array_equal(
        read(tmp_path, Image.fromarray(RAMP), transparency=100),
        grey(np.where(RAMP == 100, np.uint8(255), RAMP)),
    )
    picture = read(tmp_path, Image.fromarray(COLOURS), transparency=tuple(COLOURS[2, 3].tolist()))
    assert (picture[2, 3] == 255).all()
    assert (picture[2, 2] == COLOURS[2, 2]).all()


@pytest.mark.parametrize(
    ("bits", "packed", "levels"),
    [(1, [0b01010000], 1), (2, [0b00011011, 0b01000000], 3), (4, [0x01, 0x28, 0x4F, 0x00], 15)],
)
def test_transparent_values_of_few_bits_lie_on_white(bits, packed, levels, tmp_path):
    values = np.unpackbits(np.array(packed, np.uint8)).reshape(-1, bits) @ (1 << np.arange(bits))[::-1]
    for key in (0, 1):
        picture = read_bytes(
            tmp_path, png(np.array([packed] * len(values), np.uint8), bits, 0, key), len(values)
        )
        np.testing.assert_array_equal(picture[0], grey(np.where(values == key, 255, values * 255 // levels)))


def test_transparent_values_of_16_bits_lie_on_white(tmp_path):
    clear = np.isin(GREYS_16, GREYS_16[2, 3])
    picture = read_bytes(tmp_path, png(GREYS_16[..., np.newaxis], 16, 0, GREYS_16[2, 3]))
    np.testing.assert_array_equal(picture, grey(np.where(clear, 255, np.rint(GREYS_16 / 257))))
    colours = np.full((6, 6, 3), 0x1234)
    colours[2, 3] = (0xC801, 200, 0xFF00)
    picture = read_bytes(tmp_path, png(colours, 16, 2, colours[2, 3]))
    assert (picture[2, 3] == 255).all()
    assert (np.delete(picture.reshape(-1, 3), 15, axis=0) == 0x12).all()


# EXIF 2.3, tag 274: where the file's first row and first column are as a person sees them.
TURNED = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("ending", ["png", "tif", "webp"])
def test_cameras_rotation_is_applied(orientation, ending, tmp_path):
    options = {"lossless": True} if ending == "webp" else {}
    exif = Image.Exif()
    exif[274] = orientation
    picture = read(tmp_path, Image.fromarray(COLOURS), ending, exif=exif, **options)
    np.testing.assert_array_equal(picture, TURNED[orientation](COLOURS))


def test_rotation_goes_with_transparency_and_depth(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    turned = read(tmp_path, Image.fromarray(GREYS_16), exif=exif)
    np.testing.assert_array_equal(turned, grey(np.rot90(np.rint(GREYS_16 / 257), -1)))
    clear = Image.new("RGBA", (6, 6), (9, 9, 9, 255))
    clear.paste((0, 0, 0, 0), (0, 0, 6, 1))
    assert (read(tmp_path, clear, exif=exif)[:, -1] == 255).all()


def test_damaged_metadata_do_not_matter(tmp_path):
    image = Image.fromarray(COLOURS)
    np.testing.assert_array_equal(read(tmp_path, image, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\x09junk"), COLOURS)


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "LAB"])
def test_other_colour_spaces_become_rgb(mode, tmp_path):
    flat = Image.new("RGB", (6, 6), (200, 30, 60))
    assert within(read(tmp_path, flat.convert(mode), "tif"), [200, 30, 60], 4)


def test_cmyk_of_adobe_is_not_turned_over(tmp_path):
    """Pillow writes CMYK JPEG as Adobe's programs do: turned over, and marked so."""
    file = saved(tmp_path, Image.new("CMYK", (6, 6), (0, 200, 0, 0)), "jpg")
    assert b"Adobe" in file.read_bytes()
    assert within(read_picture(file, 6), [255, 55, 255], 3)


@pytest.mark.parametrize("ending", ["gif", "tif", "webp", "png"])
def test_of_several_frames_it_is_the_first(ending, tmp_path):
    frames = [Image.new("RGB", (6, 6), colour) for colour in ((250, 0, 0), (0, 250, 0))]
    options = {"lossless": True} if ending == "webp" else {}
    picture = read(tmp_path, frames[0], ending, save_all=True, append_images=frames[1:], **options)
    assert (picture == [250, 0, 0]).all()


def test_bombs_are_refused_before_they_are_decoded(tmp_path):
    content = png(np.zeros((1, 1, 3)), 16, 2)
    for width, height in ((10_000, 9_000), (60_000, 50_000)):  # where Pillow warns, and where it refuses
        header = struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)
        crc = struct.pack(">I", zlib.crc32(b"IHDR" + header))
        with pytest.raises(DataError, match=rf"written\.png has {width:,} × {height:,} pixels.*; shrink it"):
            read_bytes(tmp_path, content[:16] + header + crc + content[33:])
    assert Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "bmp", "webp"])
def test_truncated_pictures_are_refused_by_name(share, ending, tmp_path):
    file = saved(tmp_path, Image.fromarray(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8)), ending)
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match=rf"picture\.{ending} is .*not a readable image.*; .* annotations\.$"):
        read_picture(file, 6)


@pytest.mark.parametrize("ending", ["png", "jpg", "tif", "gif", "webp", "jp2"])
def test_damaged_pictures_are_read_or_refused_by_name(ending, tmp_path):
    content = bytearray(saved(tmp_path, Image.fromarray(COLOURS).resize((20, 20)), ending).read_bytes())
    files = []
    for number in range(60):
        damaged = bytearray(content)
        for place in RNG.integers(0, len(content), 3):
            damaged[place] = RNG.integers(256)
        files.append(tmp_path / f"{number}.{ending}")
        files[-1].write_bytes(damaged)
    with pytest.raises(PictureError) as caught:
        read_pictures([*files, tmp_path / "none.png"], 6)
    failures = caught.value.failures
    assert failures.pop(len(files)).startswith(str(tmp_path / "none.png"))
    assert failures
    assert all(told.startswith(str(files[place])) for place, told in failures.items())


def test_what_is_no_picture_is_refused_by_name(tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "empty.png").touch()
    os.mkfifo(tmp_path / "pipe.png")
    words = {
        "text.png": "not a readable image .*; save it as PNG or JPEG",
        "folder.png": "not a file but a folder; replace it",
        "empty.png": "is empty.*; replace it",
        "pipe.png": "is not a file; replace it",
        "none.png": "does not exist; add it",
        "nu\0ll.png": "not a readable image",
        f"{'a' * 300}.png": "not a readable image",
    }
    for name, told in words.items():
        with pytest.raises(DataError, match=told):
            read_picture(tmp_path / name, 6)


def test_every_failure_is_known_and_told_in_a_sentence(tmp_path):
    whole = saved(tmp_path, Image.fromarray(COLOURS))
    missing = [tmp_path / f"none{number}.png" for number in range(8)]
    with pytest.raises(PictureError) as caught:
        read_pictures([whole, *missing[:1], whole], 6)
    assert str(caught.value) == f"{missing[0]} does not exist; add it or remove its annotations."
    with pytest.raises(PictureError) as caught:
        read_pictures([missing[0], whole, *missing[1:]], 6)
    told = str(caught.value)
    assert told.startswith(f"{missing[0]} does not exist; so it is with 7 more of 9 (none1.png, none2.png, ")
    assert told.endswith("none5.png and 2 more); add it or remove its annotations.")
    assert list(caught.value.failures) == [0, *range(2, 9)]
    assert caught.value.failures[2] == f"{missing[1]} does not exist; add it or remove its annotations."
    assert pickle.loads(pickle.dumps(caught.value)).failures == caught.value.failures


def test_many_are_each_as_one(tmp_path):
    files = []
    for number, colour in enumerate(RNG.integers(0, 256, (150, 3)).tolist()):
        files.append(tmp_path / f"{number}.png")
        Image.new("RGB", (9, 7), tuple(colour)).save(files[-1])
    pictures = read_pictures(files, 5)
    assert (pictures.shape, pictures.dtype) == ((150, 5, 5, 3), np.uint8)
    np.testing.assert_array_equal(pictures, np.stack([read_picture(file, 5) for file in files]))
    files[70].unlink()
    with pytest.raises(PictureError, match=r"70\.png does not exist") as caught:
        read_pictures(files, 5)
    assert list(caught.value.failures) == [70]
    assert read_pictures([], 5).shape == (0, 5, 5, 3)


def test_pictures_are_known_by_their_endings():
    assert all(map(is_picture, ["a.png", "b.JPG", "folder/c.Tiff", "d.x.webp", "e.HEIC"]))
    assert not any(map(is_picture, ["annotations.csv", ".DS_Store", "png", ".png", "Thumbs.db", "a.png.txt"]))
