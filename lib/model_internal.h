/* SPDX-License-Identifier: GPL-2.0 */
/* model_internal.h - the orders of the model's arrays, for model*.c; elements come as qsort() has them. */
#ifndef LIB_MODEL_INTERNAL_H
#define LIB_MODEL_INTERNAL_H

int lb_model_pool_cmp(const void *a, const void *b); /* struct lb_m_pool */
int lb_model_real_cmp(const void *a, const void *b); /* struct lb_m_real */
int lb_model_vip_cmp(const void *a, const void *b); /* struct lb_m_vip */

#endif
