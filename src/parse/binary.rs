//! Headers of native binaries.

/// Whether these are the first bytes of a program, and not of a library: an ELF file of type `ET_EXEC` or with an interpreter
/// (`PT_INTERP`, System V ABI), a Mach-O file of type `MH_EXECUTE`, a PE file without `IMAGE_FILE_DLL`.
#[must_use]
pub fn is_executable(bytes: &[u8]) -> bool {
    elf(bytes)
        .or_else(|| mach_o(bytes))
        .or_else(|| pe(bytes))
        .unwrap_or(false)
}

fn elf(bytes: &[u8]) -> Option<bool> {
    const PT_INTERP: u64 = 3;
    bytes.strip_prefix(b"\x7fELF")?;
    let (wide, little) = (bytes.get(4)? == &2, bytes.get(5)? == &1);
    let number = |at: usize, length: usize| number(bytes, at, length, little);
    if number(16, 2)? == 2 {
        return Some(true);
    }
    let (table, size, count) = if wide {
        (number(32, 8)?, 54, 56)
    } else {
        (number(28, 4)?, 42, 44)
    };
    let (size, count) = (number(size, 2)?, number(count, 2)?);
    let interpreted = (0..count).any(|i| {
        let at = i.checked_mul(size).and_then(|offset| table.checked_add(offset));
        let at = at.and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| number(at, 4)) == Some(PT_INTERP)
    });
    Some(interpreted)
}

fn mach_o(bytes: &[u8]) -> Option<bool> {
    let little = match bytes.first_chunk::<4>()? {
        [0xce | 0xcf, 0xfa, 0xed, 0xfe] => true,
        [0xfe, 0xed, 0xfa, 0xce | 0xcf] => false,
        _ => return None,
    };
    Some(number(bytes, 12, 4, little)? == 2)
}

fn pe(bytes: &[u8]) -> Option<bool> {
    const IMAGE_FILE_DLL: u64 = 0x2000;
    bytes.strip_prefix(b"MZ")?;
    let header = usize::try_from(number(bytes, 0x3c, 4, true)?).ok()?;
    let signed = bytes.get(header..)?.starts_with(b"PE\0\0");
    Some(signed && number(bytes, header.checked_add(22)?, 2, true)? & IMAGE_FILE_DLL == 0)
}

/// An unsigned number of up to 8 bytes.
fn number(bytes: &[u8], at: usize, length: usize, little: bool) -> Option<u64> {
    let digits = bytes.get(at..at.checked_add(length)?)?;
    let add = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
    Some(if little {
        digits.iter().rev().fold(0, add)
    } else {
        digits.iter().fold(0, add)
    })
}

#[cfg(test)]
mod tests {
    use super::is_executable;

    /// A 64-bit little-endian ELF file of a type, with one program header.
    fn elf(kind: u8, program_header: u8) -> Vec<u8> {
        let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
        bytes.resize(120, 0);
        (bytes[16], bytes[32], bytes[54], bytes[56], bytes[64]) = (kind, 64, 56, 1, program_header);
        bytes
    }

    fn pe(characteristics: u8) -> Vec<u8> {
        let mut bytes = b"MZ".to_vec();
        bytes.resize(96, 0);
        (bytes[0x3c], bytes[64 + 23]) = (64, characteristics);
        bytes[64..68].copy_from_slice(b"PE\0\0");
        bytes
    }

    #[test]
    fn programs_and_libraries() {
        for (bytes, expected) in [
            (elf(2, 1), true),
            (elf(3, 3), true),
            (elf(3, 1), false),
            (pe(0), true),
            (pe(0x20), false),
            (b"\xcf\xfa\xed\xfe\0\0\0\0\0\0\0\0\x02\0\0\0".to_vec(), true),
            (b"\xcf\xfa\xed\xfe\0\0\0\0\0\0\0\0\x06\0\0\0".to_vec(), false),
            (b"\0asm\x01\0\0\0".to_vec(), false),
            (b"\x7fELF".to_vec(), false),
            (b"MZ".to_vec(), false),
        ] {
            assert_eq!(is_executable(&bytes), expected, "{bytes:?}");
        }
        let mut endless = elf(3, 1);
        endless[54..58].fill(0xff);
        assert!(!is_executable(&endless));
    }
}
