"""What staff see of tenants: rows to read, and deeds that ask for a reason and call services.

Tenants and jobs are registered in saas.staff, which knows what every domain can do about them.
"""

from __future__ import annotations

from django.contrib import admin

from tenants.admin_access import ApiKeyAdmin, AuditEventAdmin, PersonAdmin
from tenants.admin_stores import EnvironmentAdmin
from tenants.admin_work import TrainingRecordAdmin, WebhookAdmin, WebhookDeliveryAdmin
from tenants.models.api_key import ApiKey
from tenants.models.audit_event import AuditEvent
from tenants.models.environment import Environment
from tenants.models.person import Person
from tenants.models.roll_up import TrainingRecord
from tenants.models.webhook import Webhook, WebhookDelivery

admin.site.register(Environment, EnvironmentAdmin)
admin.site.register(TrainingRecord, TrainingRecordAdmin)
admin.site.register(ApiKey, ApiKeyAdmin)
admin.site.register(Webhook, WebhookAdmin)
admin.site.register(WebhookDelivery, WebhookDeliveryAdmin)
admin.site.register(AuditEvent, AuditEventAdmin)
admin.site.register(Person, PersonAdmin)
