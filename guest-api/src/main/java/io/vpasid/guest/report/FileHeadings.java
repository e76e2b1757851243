package io.vpasid.guest.report;

import java.util.stream.Stream;

/// The names of files in a list of functions, each above those that are from it; none where all are
/// from one.
public final class FileHeadings {
  private final Page page;
  private final boolean several;
  private String last = "";

  /// @param all where the functions of the list are from
  public FileHeadings(Page page, Stream<Origin> all) {
    this.page = page;
    several = areSeveral(all);
  }

  static boolean areSeveral(Stream<Origin> all) {
    return all.map(Origin::folder).distinct().limit(2).count() > 1;
  }

  /// Prints what stands above the next function, if anything does.
  public void before(Origin origin) {
    if (several && !origin.folder().equals(last)) {
      page.line(origin.folder() + ":");
      last = origin.folder();
    }
  }
}
