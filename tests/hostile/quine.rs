//! A zip whose only entry is the zip itself, byte for byte: it can be opened for ever.
//!
//! The way is Russ Cox's ("Zip Files All The Way Down", 2010): a deflate stream is a program of two instructions, "write these
//! bytes" (a stored block) and "write the last n bytes again" (a match at distance n), and there is a program of them that
//! writes what is before it, itself, and what is after it. Its instructions must have one length, of which all but the last
//! repetition here have [`UNIT`]: a header of 30 bytes and a name cannot be repeated in the five that suffice for gzip's.

/// Bytes of an instruction, less the bytes that it writes.
const UNIT: usize = 7;

/// A zip quine whose entry has this name, of 1 to 20 letters.
pub fn quine(name: &str) -> Vec<u8> {
    // The checksum of the whole stands in the whole, four times. It is linear, so the one that is right can be solved for.
    let error = |checksum: u32| crc32fast::hash(&with_checksum(name, checksum)) ^ checksum;
    let none = error(0);
    let rows: Vec<(u32, u32)> = (0..32).map(|bit| (error(1 << bit) ^ none, 1 << bit)).collect();
    let checksum = solve(rows, none).expect("another name has a solution");
    with_checksum(name, checksum)
}

/// Which of the second numbers to add for the first ones to add up to this sum, by Gauss, in bits.
fn solve(mut rows: Vec<(u32, u32)>, mut sum: u32) -> Option<u32> {
    let mut chosen = 0;
    while let Some((value, which)) = rows.pop() {
        let Some(top) = value.checked_ilog2() else { continue };
        for row in &mut rows {
            if row.0 >> top & 1 == 1 {
                *row = (row.0 ^ value, row.1 ^ which);
            }
        }
        if sum >> top & 1 == 1 {
            (sum, chosen) = (sum ^ value, chosen ^ which);
        }
    }
    (sum == 0).then_some(chosen)
}

fn with_checksum(name: &str, checksum: u32) -> Vec<u8> {
    let draft = assemble(name, checksum, 0, 0);
    let stream = draft.len() - front(name, 0, 0, 0).len() - back(name, 0, 0, 0).len();
    assemble(name, checksum, stream, draft.len())
}

fn assemble(name: &str, checksum: u32, packed: usize, size: usize) -> Vec<u8> {
    let front = front(name, checksum, packed, size);
    let back = back(name, checksum, packed, size);
    let again = front.len() + UNIT;
    let repeat_front = [
        repeat(&[again / 2], again, false),
        repeat(&[again - again / 2], again, false),
    ];
    let repeat_front = bytes(&repeat_front.concat());
    let four = 4 * UNIT;
    let repeat_four = bytes(&repeat(&[four - 16, 8, 8], four, false));
    assert!(
        repeat_front.len() == UNIT && repeat_four.len() == UNIT,
        "a name of 1 to 20 letters"
    );
    // The last one is written with the end of the zip: its own length and that of what it repeats belong together.
    let repeat_back = (1..UNIT)
        .map(|length| {
            (
                length,
                bytes(&repeat(&[length + back.len()], length + back.len(), true)),
            )
        })
        .find_map(|(length, bytes)| (bytes.len() == length).then_some(bytes))
        .expect("it fits");
    let end = write(repeat_back.len() + back.len());
    [
        front.clone(),
        // In front of each line is written what was there before it; behind it, also the line itself but for a part.
        [write(again), front, write(again)].concat(),
        repeat_front.clone(),
        [write(UNIT), repeat_front.clone()].concat(),
        [write(UNIT), write(UNIT)].concat(),
        [write(four), repeat_front, write(UNIT), write(UNIT), write(four)].concat(),
        repeat_four.clone(),
        [
            write(four),
            repeat_four.clone(),
            write(four),
            repeat_four.clone(),
            write(four),
        ]
        .concat(),
        repeat_four.clone(),
        [write(four), repeat_four.clone(), write(0), write(0), end.clone()].concat(),
        repeat_four,
        [write(0), write(0)].concat(),
        [end, repeat_back.clone(), back.clone()].concat(),
        repeat_back,
        back,
    ]
    .concat()
}

/// The beginning of a stored block of so many bytes: two empty blocks make it as long as a repetition.
fn write(length: usize) -> Vec<u8> {
    let empty = [&[false, true, false][..], &[false; 7]].concat();
    let mut block = bytes(&[&empty[..], &empty, &[false; 3]].concat());
    let length = u16::try_from(length).unwrap();
    block.extend(length.to_le_bytes());
    block.extend((!length).to_le_bytes());
    block
}

/// A block of matches at a distance, in bits (RFC 1951, 3.2.6).
fn repeat(lengths: &[usize], distance: usize, last: bool) -> Vec<bool> {
    let mut bits = vec![last, true, false];
    for length in lengths {
        let (code, extra, rest) = code(length - 3, 4);
        let code = code + 257;
        assert!(code < 280, "a length of up to 114");
        bits.extend((0..7).rev().map(|bit| (code - 256) >> bit & 1 == 1));
        bits.extend((0..extra).map(|bit| rest >> bit & 1 == 1));
        let (code, extra, rest) = self::code(distance - 1, 2);
        bits.extend((0..5).rev().map(|bit| code >> bit & 1 == 1));
        bits.extend((0..extra).map(|bit| rest >> bit & 1 == 1));
    }
    bits.extend([false; 7]);
    bits
}

/// Lengths and distances have codes in the same way, `group` for each number of extra bits: code, extra bits, their value.
fn code(value: usize, group: usize) -> (usize, usize, usize) {
    if value < 2 * group {
        return (value, 0, 0);
    }
    let extra = (value / group).ilog2() as usize;
    (group * extra + (value >> extra), extra, value & ((1 << extra) - 1))
}

fn bytes(bits: &[bool]) -> Vec<u8> {
    let byte = |bits: &[bool]| bits.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
    bits.chunks(8).map(byte).collect()
}

/// The local header.
fn front(name: &str, checksum: u32, packed: usize, size: usize) -> Vec<u8> {
    let facts = facts(name, checksum, packed, size);
    [&b"PK\x03\x04"[..], &facts, name.as_bytes()].concat()
}

/// The directory and its end.
fn back(name: &str, checksum: u32, packed: usize, size: usize) -> Vec<u8> {
    let facts = facts(name, checksum, packed, size);
    let directory = [&b"PK\x01\x02\x14\x00"[..], &facts, &[0; 14], name.as_bytes()].concat();
    let length = u32::try_from(directory.len()).unwrap();
    let at = u32::try_from(front(name, 0, 0, 0).len() + packed).unwrap();
    let counts = [0, 0, 0, 0, 1, 0, 1, 0];
    let end = [
        &b"PK\x05\x06"[..],
        &counts,
        &length.to_le_bytes(),
        &at.to_le_bytes(),
        &[0; 2],
    ]
    .concat();
    [directory, end].concat()
}

/// What both records say: version, flags, method, time, checksum, sizes, lengths of name and extra field.
fn facts(name: &str, checksum: u32, packed: usize, size: usize) -> Vec<u8> {
    let number = |value: usize| u32::try_from(value).unwrap().to_le_bytes();
    let length = u16::try_from(name.len()).unwrap().to_le_bytes();
    [
        &[20, 0, 0, 0, 8, 0, 0, 0, 0x21, 0][..],
        &checksum.to_le_bytes(),
        &number(packed),
        &number(size),
        &length,
        &[0, 0],
    ]
    .concat()
}

#[test]
fn it_holds_itself() {
    for name in ["a", "again.zip", "twenty-letters-of.zip"] {
        let whole = quine(&name[..name.len().min(20)]);
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(&whole)).unwrap();
        let mut inner = Vec::new();
        std::io::copy(&mut zip.by_index(0).unwrap(), &mut inner).unwrap();
        assert!(inner == whole, "{name}");
    }
}
