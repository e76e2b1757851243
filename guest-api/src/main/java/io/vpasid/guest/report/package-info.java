/// Results as people and programs read them: as text, as JSON (keys in a stable order, offsets as
/// `"0x230"`), as pictures, and as pages for a browser.
@NullMarked
package io.vpasid.guest.report;

import org.jspecify.annotations.NullMarked;
