//! Binaries that lie about themselves (group D, 69 to 73): no crash, no memory that the file only claims, never silence.

use crate::{
    build::*,
    own::{Must::Tell, hidden},
    scan,
};

/// The least of an ELF for x86-64 with one section of that name.
fn elf(section: &str, data: &[u8]) -> Vec<u8> {
    let names = format!("\0{section}\0.shstrtab\0").into_bytes();
    let mut elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0".to_vec();
    elf.resize(64, 0);
    let (data_at, names_at) = (64, 64 + data.len());
    let table_at = names_at + names.len();
    elf[40..48].copy_from_slice(&(table_at as u64).to_le_bytes());
    elf[52..64].copy_from_slice(&[64, 0, 56, 0, 0, 0, 64, 0, 3, 0, 2, 0]);
    elf.extend(data);
    elf.extend(&names);
    let header = |name: usize, kind: u32, at: usize, size: usize| {
        let mut header = [0; 64];
        header[..4].copy_from_slice(&(name as u32).to_le_bytes());
        header[4..8].copy_from_slice(&kind.to_le_bytes());
        header[24..32].copy_from_slice(&(at as u64).to_le_bytes());
        header[32..40].copy_from_slice(&(size as u64).to_le_bytes());
        header
    };
    elf.extend([0; 64]);
    elf.extend(header(1, 1, data_at, data.len()));
    elf.extend(header(section.len() + 2, 3, names_at, names.len()));
    elf
}

/// 64 MiB of spaces, packed, in the place of audit data.
fn audit_bomb() -> Vec<u8> {
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut packed, &vec![b' '; 64 << 20]).unwrap();
    elf(".dep-v0", &packed.finish().unwrap())
}

fn bootstrap(bytes: &[u8]) -> Vec<u8> {
    with_index([deflated("bootstrap", bytes)]).bytes()
}

#[test]
fn d_binaries() {
    let whole = elf(".text", b"code");
    let with = |changes: &[(usize, &[u8])]| {
        let mut bytes = whole.clone();
        for (at, new) in changes {
            bytes[*at..at + new.len()].copy_from_slice(new);
        }
        bootstrap(&bytes)
    };
    // Go's build information, which says how long its strings are: 2^63.
    let mut go = b"\xff Go buildinf:\x08\x02".to_vec();
    go.resize(32, 0);
    go.extend([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
    let told = "bootstrap";
    hidden(vec![
        ("69 no more than the magic", bootstrap(b"\x7fELF"), Tell(told)),
        ("69 half a header", bootstrap(&whole[..40]), Tell(told)),
        ("69 without its table", bootstrap(&whole[..70]), Tell(told)),
        ("70 65,535 sections", with(&[(60, &[0xff, 0xff])]), Tell(told)),
        ("70 a table at the end of memory", with(&[(40, &[0xff; 8])]), Tell(told)),
        ("70 another class", with(&[(4, &[1])]), Tell(told)),
        ("70 another byte order", with(&[(5, &[2])]), Tell(told)),
        (
            "71 audit data that is a bomb",
            bootstrap(&audit_bomb()),
            Tell("audit data cannot be read"),
        ),
        (
            "72 Go with strings of 2^63",
            bootstrap(&elf(".go.buildinfo", &go)),
            Tell(told),
        ),
    ]);
}

#[test]
fn d_binaries_cut_and_changed_at_random() {
    let whole = audit_bomb();
    for len in (1..200).chain(whole.len() - 10..whole.len()) {
        scan(bootstrap(&whole[..len]));
    }
    let small = elf(".dep-v0", b"x\x9c\x03\0\0\0\0\x01");
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..500 {
        let mut bytes = small.clone();
        for _ in 0..4 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let at = state as usize % bytes.len();
            bytes[at] = (state >> 32) as u8;
        }
        scan(bootstrap(&bytes));
    }
}
