package io.vpasid.guest.control;

/// The events that the control socket tells its clients: the one place that says what there is.
public enum ControlEvent {
  CLIENT_CONNECTED(
      "A vfio-user client has a function now.", "`function`, `uid`, `pid` (-1: unknown)"),
  CLIENT_DISCONNECTED("That client has gone.", "`function`"),
  PASID_ENABLED(
      "A guest enabled PASIDs, or changed what it enabled.", "`function`, `exec`, `priv`"),
  PASID_DISABLED("A guest disabled PASIDs, or a reset did.", "`function`"),
  PASID_ATTACHED(
      "A PASID is attached.",
      "`function`, `pasid`, `space`; if it was moved, `replaced` and `previous`. Page tables behind an"
          + " IOMMU are no address spaces and have no handle"),
  PASID_DETACHED("A PASID is detached.", "`function`, `pasid`, `space`"),
  PASID_REFUSED("A request for a PASID was refused.", "`function`, `pasid`, `errno`, `reason`"),
  FUNCTION_ATTACHED(
      "A function's own DMA, without a PASID, goes through a page table now.", "`function`"),
  FUNCTION_DETACHED("A function's own DMA, without a PASID, is blocked.", "`function`"),
  IOMMU_ENTRY_APPLIED(
      "The hardware does what a guest's entry in its IOMMU's tables says.",
      "`iommu`, `function`, `pasid` unless it is the function's own, `entry`, what it says"),
  IOMMU_ENTRY_GONE(
      "A guest's entry is not there any more, and its DMA is blocked.",
      "`iommu`, `function`, `pasid` unless it is the function's own"),
  IOMMU_ENTRY_REFUSED(
      "The host cannot do what a guest's entry says, and its DMA is blocked.",
      "`iommu`, `function`, `pasid` unless it is the function's own, `entry`, `errno`, `reason`"),
  FUNCTION_RESET("A function was reset, by its guest or from here.", "`function`"),
  FUNCTION_ADDED("A function is served now.", "`function`"),
  FUNCTION_DELETED("A function is not served any more.", "`function`"),
  IOMMU_ADDED("A virtual IOMMU is served now.", "`iommu`, `socket`, `mode`, `reason`"),
  IOMMU_DELETED("A virtual IOMMU is not served any more.", "`iommu`"),
  QUIRKS_RELOADED("The quirk files were read again.", "`quirks`"),
  TENANT_STARTED("The process of a tenant serves.", "`tenant`, `pid`"),
  TENANT_SILENT(
      "The process of a tenant answers nothing any more, and is killed.",
      "`tenant`, `pid`, and for how many `seconds` it has not answered"),
  TENANT_ENDED(
      "The process of a tenant has ended.",
      "`tenant`, `exit`, its exit code, -1 if it could not be started, and `startsIn`, the"
          + " milliseconds until it is started again, unless it failed too often"),
  SHUTDOWN("The daemon ends.", "nothing"),
  EVENTS_LOST(
      "This client did not read, and so many events of one source were not kept for it.",
      "`count`, and `function`, `iommu` or `tenant`, whose events they were; none of these if they"
          + " were the daemon's own");

  private final String description;
  private final String data;

  ControlEvent(String description, String data) {
    this.description = description;
    this.data = data;
  }

  /// The event in a sentence.
  public String description() {
    return description;
  }

  /// The content of `data`, as a part of a sentence in Markdown.
  public String data() {
    return data;
  }
}
