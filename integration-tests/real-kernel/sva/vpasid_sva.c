// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * Shared virtual addressing for the tests: lets a process have the DMA engine of a function f00d:0d4a
 * read and write the process's own memory, by a PASID.
 *
 * Who opens /dev/vpasid_sva binds its address space. A write of a struct sva_command does one command,
 * and returns when the engine has ended it; a read gives the struct sva_result of the last one.
 */
#include <linux/fs.h>
#include <linux/iommu.h>
#include <linux/iopoll.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

/* Registers of the engine, in BAR 0. */
#define ENGINE_ID	0x00
#define ENGINE_FLAGS	0x04
#define ENGINE_PASID	0x08
#define ENGINE_LENGTH	0x0c
#define ENGINE_SOURCE	0x10
#define ENGINE_DEST	0x18
#define ENGINE_DATA	0x20
#define ENGINE_COMMAND	0x28
#define ENGINE_STATUS	0x2c
#define ENGINE_ADDRESS	0x30

#define ID_VALUE	0x314d4456
#define FLAG_PASID	1
#define STATUS_BUSY	1
#define LONGEST_US	(30 * USEC_PER_SEC)

struct sva_command {
	__u32 command;
	__u32 flags;
	__u32 length;
	__u32 pasid;		/* 0: that of the process */
	__u64 source;
	__u64 destination;
	__u64 data;
};

struct sva_result {
	__u32 status;
	__u32 pasid;		/* that of the process */
	__u64 data;
	__u64 address;
};

/* The one function, and its engine: a command at a time. */
static struct pci_dev *function;
static void __iomem *engine;
static DEFINE_MUTEX(engine_lock);

struct binding {
	struct iommu_sva *sva;
	struct sva_result last;
};

static int sva_open(struct inode *inode, struct file *file)
{
	struct binding *binding = kzalloc(sizeof(*binding), GFP_KERNEL);

	if (!binding)
		return -ENOMEM;
	binding->sva = iommu_sva_bind_device(&function->dev, current->mm);
	if (IS_ERR(binding->sva)) {
		int error = PTR_ERR(binding->sva);

		kfree(binding);
		return error;
	}
	binding->last.pasid = iommu_sva_get_pasid(binding->sva);
	file->private_data = binding;
	return 0;
}

static int sva_release(struct inode *inode, struct file *file)
{
	struct binding *binding = file->private_data;

	iommu_sva_unbind_device(binding->sva);
	kfree(binding);
	return 0;
}

static ssize_t sva_write(struct file *file, const char __user *from, size_t length, loff_t *at)
{
	struct binding *binding = file->private_data;
	struct sva_command command;
	u32 status;
	int error;

	if (length != sizeof(command))
		return -EINVAL;
	if (copy_from_user(&command, from, sizeof(command)))
		return -EFAULT;
	mutex_lock(&engine_lock);
	writel(command.flags, engine + ENGINE_FLAGS);
	writel(command.pasid ? command.pasid : binding->last.pasid, engine + ENGINE_PASID);
	writel(command.length, engine + ENGINE_LENGTH);
	writeq(command.source, engine + ENGINE_SOURCE);
	writeq(command.destination, engine + ENGINE_DEST);
	writeq(command.data, engine + ENGINE_DATA);
	writel(command.command, engine + ENGINE_COMMAND);
	error = readl_poll_timeout(engine + ENGINE_STATUS, status, (status & 0xff) != STATUS_BUSY, 100, LONGEST_US);
	binding->last.status = status;
	binding->last.data = readq(engine + ENGINE_DATA);
	binding->last.address = readq(engine + ENGINE_ADDRESS);
	mutex_unlock(&engine_lock);
	return error ? error : length;
}

static ssize_t sva_read(struct file *file, char __user *to, size_t length, loff_t *at)
{
	struct binding *binding = file->private_data;

	if (length != sizeof(binding->last))
		return -EINVAL;
	return copy_to_user(to, &binding->last, length) ? -EFAULT : length;
}

static const struct file_operations operations = {
	.owner = THIS_MODULE,
	.open = sva_open,
	.release = sva_release,
	.write = sva_write,
	.read = sva_read,
};

static struct miscdevice node = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vpasid_sva",
	.fops = &operations,
	.mode = 0600,
};

static int sva_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int error = pcim_enable_device(pdev);

	if (error)
		return error;
	if (function)
		return -EBUSY;
	engine = pcim_iomap_region(pdev, 0, "vpasid_sva");
	if (IS_ERR(engine))
		return PTR_ERR(engine);
	if (readl(engine + ENGINE_ID) != ID_VALUE)
		return dev_err_probe(&pdev->dev, -ENODEV, "no engine, ID is 0x%x\n", readl(engine + ENGINE_ID));
	pci_set_master(pdev);
	function = pdev;
	error = misc_register(&node);
	if (error)
		function = NULL;
	return error;
}

static void sva_remove(struct pci_dev *pdev)
{
	misc_deregister(&node);
	pci_clear_master(pdev);
	function = NULL;
}

static const struct pci_device_id ids[] = {
	{ PCI_DEVICE(0xf00d, 0x0d4a) },
	{ }
};
MODULE_DEVICE_TABLE(pci, ids);

static struct pci_driver sva_driver = {
	.name = "vpasid_sva",
	.id_table = ids,
	.probe = sva_probe,
	.remove = sva_remove,
};
module_pci_driver(sva_driver);

MODULE_DESCRIPTION("Shared virtual addressing with the DMA engine of vpasid");
MODULE_LICENSE("Dual MIT/GPL");
