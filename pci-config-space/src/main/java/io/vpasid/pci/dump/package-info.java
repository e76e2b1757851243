/// Sources of configuration spaces: `lspci` text, raw bytes, hex dumps and sysfs; and the way back
/// into `lspci` text.
///
/// [Dumps] reads a file of any form, [SysfsDevice] a function of this machine. Input is untrusted:
/// whatever the bytes are, the outcome is a result or a [DumpException] that names the place, and
/// no file above [Dumps#MAX_FILE_BYTES] is taken in.
@NullMarked
package io.vpasid.pci.dump;

import org.jspecify.annotations.NullMarked;
