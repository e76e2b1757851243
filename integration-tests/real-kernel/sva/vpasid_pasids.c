// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * PASIDs of a function f00d:0003 for the tests, as a driver uses them that has I/O page tables of its own: two
 * domains, 0 and 1, in which pages are mapped from 4 MiB on.
 *
 * Lines written to /dev/vpasid_pasids: "map DOMAIN PAGES", "unmap DOMAIN", "attach PASID DOMAIN",
 * "replace PASID DOMAIN", "detach PASID DOMAIN". The write fails with the errno of what the kernel refuses.
 */
#include <linux/fs.h>
#include <linux/iommu.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/uaccess.h>

#define FIRST_IOVA	0x400000UL
#define DOMAINS		2

/* Of drivers/iommu/iommu-priv.h, which modules outside the tree cannot include. */
int iommu_replace_device_pasid(struct iommu_domain *domain, struct device *dev, ioasid_t pasid,
			       struct iommu_attach_handle *handle);

static struct pci_dev *function;
static struct iommu_domain *domains[DOMAINS];
static size_t mapped[DOMAINS];
static struct iommu_attach_handle handles[8];
static unsigned int used;
static struct page *page;
static DEFINE_MUTEX(lock);

/* The same page again and again: what is there does not matter. */
static int map(unsigned int domain, unsigned int pages)
{
	while (pages--) {
		int error = iommu_map(domains[domain], FIRST_IOVA + mapped[domain], page_to_phys(page), PAGE_SIZE,
				      IOMMU_READ | IOMMU_WRITE, GFP_KERNEL);

		if (error)
			return error;
		mapped[domain] += PAGE_SIZE;
	}
	return 0;
}

static int unmap(unsigned int domain)
{
	size_t length = mapped[domain];

	mapped[domain] = 0;
	return iommu_unmap(domains[domain], FIRST_IOVA, length) == length ? 0 : -EIO;
}

static int run(const char *line)
{
	char word[8];
	unsigned int first, second = 0;
	struct device *dev = &function->dev;

	if (sscanf(line, "%7s %u %u", word, &first, &second) < 2)
		return -EINVAL;
	if (!strcmp(word, "map") && first < DOMAINS)
		return map(first, second);
	if (!strcmp(word, "unmap") && first < DOMAINS)
		return unmap(first);
	if (second >= DOMAINS || used == ARRAY_SIZE(handles))
		return -EINVAL;
	if (!strcmp(word, "attach"))
		return iommu_attach_device_pasid(domains[second], dev, first, &handles[used++]);
	if (!strcmp(word, "replace"))
		return iommu_replace_device_pasid(domains[second], dev, first, &handles[used++]);
	if (strcmp(word, "detach"))
		return -EINVAL;
	iommu_detach_device_pasid(domains[second], dev, first);
	return 0;
}

static ssize_t pasids_write(struct file *file, const char __user *from, size_t length, loff_t *at)
{
	char line[64] = "";
	int error;

	if (length >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, from, length))
		return -EFAULT;
	mutex_lock(&lock);
	error = run(line);
	mutex_unlock(&lock);
	return error ? error : length;
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.write = pasids_write,
};

static struct miscdevice node = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vpasid_pasids",
	.fops = &operations,
	.mode = 0600,
};

/* What it makes is the machine's to the end: the tests switch that off. */
static int pasids_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int i;

	page = alloc_page(GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	for (i = 0; i < DOMAINS; i++) {
		domains[i] = iommu_paging_domain_alloc(&pdev->dev);
		if (IS_ERR(domains[i]))
			return PTR_ERR(domains[i]);
	}
	function = pdev;
	return misc_register(&node);
}

static const struct pci_device_id ids[] = {
	{ PCI_DEVICE(0xf00d, 0x0003) },
	{ }
};
MODULE_DEVICE_TABLE(pci, ids);

static struct pci_driver pasids_driver = {
	.name = "vpasid_pasids",
	.id_table = ids,
	.probe = pasids_probe,
	.driver.suppress_bind_attrs = true,
};

static int __init pasids_init(void)
{
	return pci_register_driver(&pasids_driver);
}
module_init(pasids_init);

MODULE_DESCRIPTION("PASIDs with I/O page tables of a driver, for the tests of vpasid");
MODULE_LICENSE("Dual MIT/GPL");
MODULE_IMPORT_NS("IOMMUFD_INTERNAL");
