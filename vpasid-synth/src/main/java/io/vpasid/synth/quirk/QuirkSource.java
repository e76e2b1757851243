package io.vpasid.synth.quirk;

/// The quirk that said something.
///
/// @param layer name of the layer that the quirk came with, such as [#BUILT_IN]
/// @param file the file that it stands in, as a path or as the name of a built-in file
/// @param entryId the quirk's id, unique in its layer
public record QuirkSource(String layer, String file, String entryId) {
  /// The layer of the quirks that come with this library.
  public static final String BUILT_IN = "built in";

  /// As in `nvidia-ga100 (built in)` or `site-7 (/etc/vpasid/quirks.d/site.json)`.
  @Override
  public String toString() {
    return entryId + " (" + (layer.equals(BUILT_IN) ? layer : file) + ")";
  }
}
