// SPDX-License-Identifier: GPL-2.0-only
/*
 * gridparent: makes QEMU's bochs-display devices (1234:1111, a display class) parents of mediated devices, with the
 * type ids and reactions of NVIDIA's GRID driver on a Tesla T4: one type at a time on a GPU, ENOSPC when it is full,
 * EBUSY while a device is open, vgpu_params. For tests on a real kernel; a kernel module, hence GPL, and no part of
 * what is installed. API: Linux 6.1, include/linux/mdev.h.
 */
#include <linux/mdev.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <linux/vfio.h>

struct grid_type_info {
	const char *id, *name, *text;
	unsigned int most;
};

static const struct grid_type_info infos[] = {
	{ "222", "GRID T4-1B",
	  "num_heads=4, frl_config=45, framebuffer=1024M, max_resolution=5120x2880, max_instance=16", 16 },
	{ "231", "GRID T4-2Q",
	  "num_heads=4, frl_config=60, framebuffer=2048M, max_resolution=7680x4320, max_instance=8", 8 },
	{ "233", "GRID T4-8Q",
	  "num_heads=4, frl_config=60, framebuffer=8192M, max_resolution=7680x4320, max_instance=2", 2 },
	{ "234", "GRID T4-16Q",
	  "num_heads=4, frl_config=60, framebuffer=16384M, max_resolution=7680x4320, max_instance=1", 1 },
};

struct grid_type {
	struct mdev_type type;
	const struct grid_type_info *info;
};

struct grid_gpu {
	struct mdev_parent parent;
	struct mutex lock; /* of what follows */
	struct mdev_type *running;
	unsigned int count;
	struct grid_type types[ARRAY_SIZE(infos)];
	struct mdev_type *pointers[ARRAY_SIZE(infos)];
};

struct grid_vgpu {
	struct vfio_device vfio;
	char params[512];
};

static struct grid_gpu *gpu_of(struct mdev_type *type)
{
	return container_of(type->parent, struct grid_gpu, parent);
}

static unsigned int room(struct grid_gpu *gpu, struct mdev_type *type)
{
	unsigned int most = container_of(type, struct grid_type, type)->info->most;

	if (gpu->count && gpu->running != type)
		return 0;
	return most - gpu->count;
}

static unsigned int grid_get_available(struct mdev_type *type)
{
	struct grid_gpu *gpu = gpu_of(type);
	unsigned int n;

	mutex_lock(&gpu->lock);
	n = room(gpu, type);
	mutex_unlock(&gpu->lock);
	return n;
}

static ssize_t grid_show_description(struct mdev_type *type, char *buf)
{
	return sysfs_emit(buf, "%s\n", container_of(type, struct grid_type, type)->info->text);
}

static int grid_vfio_init(struct vfio_device *vfio)
{
	return 0;
}

static void grid_vfio_release(struct vfio_device *vfio)
{
	vfio_free_device(vfio);
}

static int grid_vfio_open(struct vfio_device *vfio)
{
	return 0;
}

static void grid_vfio_close(struct vfio_device *vfio)
{
}

static void grid_vfio_unmap(struct vfio_device *vfio, u64 iova, u64 length)
{
}

static const struct vfio_device_ops grid_vfio_ops = {
	.name = "gridparent",
	.init = grid_vfio_init,
	.release = grid_vfio_release,
	.open_device = grid_vfio_open,
	.close_device = grid_vfio_close,
	.dma_unmap = grid_vfio_unmap,
};

static void give_back(struct grid_gpu *gpu)
{
	mutex_lock(&gpu->lock);
	gpu->count--;
	mutex_unlock(&gpu->lock);
}

static int take(struct grid_gpu *gpu, struct mdev_type *type)
{
	int ret = -ENOSPC;

	mutex_lock(&gpu->lock);
	if (room(gpu, type)) {
		gpu->running = type;
		gpu->count++;
		ret = 0;
	}
	mutex_unlock(&gpu->lock);
	return ret;
}

static int grid_vgpu_probe(struct mdev_device *mdev)
{
	struct grid_gpu *gpu = gpu_of(mdev->type);
	struct grid_vgpu *vgpu;
	int ret = take(gpu, mdev->type);

	if (ret)
		return ret;
	vgpu = vfio_alloc_device(grid_vgpu, vfio, &mdev->dev, &grid_vfio_ops);
	if (IS_ERR(vgpu)) {
		give_back(gpu);
		return PTR_ERR(vgpu);
	}
	ret = vfio_register_emulated_iommu_dev(&vgpu->vfio);
	if (ret) {
		vfio_put_device(&vgpu->vfio);
		give_back(gpu);
		return ret;
	}
	dev_set_drvdata(&mdev->dev, vgpu);
	return 0;
}

static void grid_vgpu_remove(struct mdev_device *mdev)
{
	struct grid_vgpu *vgpu = dev_get_drvdata(&mdev->dev);
	struct grid_gpu *gpu = gpu_of(mdev->type);

	vfio_unregister_group_dev(&vgpu->vfio);
	vfio_put_device(&vgpu->vfio);
	give_back(gpu);
}

static ssize_t vgpu_params_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct grid_vgpu *vgpu = dev_get_drvdata(dev);

	return vgpu ? sysfs_emit(buf, "%s\n", vgpu->params) : -ENODEV;
}

static ssize_t vgpu_params_store(struct device *dev, struct device_attribute *attr, const char *buf, size_t count)
{
	struct grid_vgpu *vgpu = dev_get_drvdata(dev);

	if (!vgpu)
		return -ENODEV;
	if (count >= sizeof(vgpu->params) || !strchr(buf, '='))
		return -EINVAL;
	strscpy(vgpu->params, buf, sizeof(vgpu->params));
	strim(vgpu->params);
	return count;
}
static DEVICE_ATTR_RW(vgpu_params);

static struct attribute *grid_attrs[] = { &dev_attr_vgpu_params.attr, NULL };
static const struct attribute_group grid_group = { .name = "nvidia", .attrs = grid_attrs };
static const struct attribute_group *grid_groups[] = { &grid_group, NULL };

static struct mdev_driver grid_vgpu_driver = {
	.device_api = VFIO_DEVICE_API_PCI_STRING,
	.probe = grid_vgpu_probe,
	.remove = grid_vgpu_remove,
	.get_available = grid_get_available,
	.show_description = grid_show_description,
	.driver = { .name = "nvidia-vgpu", .owner = THIS_MODULE, .mod_name = KBUILD_MODNAME, .dev_groups = grid_groups },
};

static int grid_gpu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct grid_gpu *gpu = kzalloc(sizeof(*gpu), GFP_KERNEL);
	int i, ret;

	if (!gpu)
		return -ENOMEM;
	mutex_init(&gpu->lock);
	for (i = 0; i < ARRAY_SIZE(infos); i++) {
		gpu->types[i].info = &infos[i];
		gpu->types[i].type.sysfs_name = infos[i].id;
		gpu->types[i].type.pretty_name = infos[i].name;
		gpu->pointers[i] = &gpu->types[i].type;
	}
	pci_set_drvdata(pdev, gpu);
	ret = mdev_register_parent(&gpu->parent, &pdev->dev, &grid_vgpu_driver, gpu->pointers, ARRAY_SIZE(infos));
	if (ret)
		kfree(gpu);
	return ret;
}

static void grid_gpu_remove(struct pci_dev *pdev)
{
	struct grid_gpu *gpu = pci_get_drvdata(pdev);

	mdev_unregister_parent(&gpu->parent);
	kfree(gpu);
}

static const struct pci_device_id grid_ids[] = { { PCI_DEVICE(0x1234, 0x1111) }, {} };
MODULE_DEVICE_TABLE(pci, grid_ids);

/* The driver's name becomes the first part of the type ids: nvidia-222. */
static struct pci_driver grid_gpu_driver = {
	.name = "nvidia",
	.id_table = grid_ids,
	.probe = grid_gpu_probe,
	.remove = grid_gpu_remove,
};

static int __init grid_init(void)
{
	int ret = mdev_register_driver(&grid_vgpu_driver);

	if (ret)
		return ret;
	ret = pci_register_driver(&grid_gpu_driver);
	if (ret)
		mdev_unregister_driver(&grid_vgpu_driver);
	return ret;
}

static void __exit grid_exit(void)
{
	pci_unregister_driver(&grid_gpu_driver);
	mdev_unregister_driver(&grid_vgpu_driver);
}

module_init(grid_init);
module_exit(grid_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("parents of mediated devices like NVIDIA GRID's, for tests");
