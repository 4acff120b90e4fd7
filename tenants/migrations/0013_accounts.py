"""Sign-ups, invitations and visits of staff; a cache for attempts; known addresses as verified."""

from __future__ import annotations

import django.db.models.deletion
import saas.lib.ids
from django.conf import settings
from django.db import migrations, models


# Whoever made an account before could vouch for its address: there was no sign-up by oneself.
VERIFY = """
INSERT INTO account_emailaddress (user_id, email, verified, "primary")
SELECT id, email, true, true FROM tenants_person
"""


class Migration(migrations.Migration):

    dependencies = [
        ('account', '0009_emailaddress_unique_primary_email'),
        ('tenants', '0012_roll_ups'),
    ]

    operations = [
        migrations.CreateModel(
            name='CacheEntry',
            fields=[
                ('cache_key', models.CharField(max_length=255, primary_key=True, serialize=False)),
                ('value', models.TextField()),
                ('expires', models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name='SignUp',
            fields=[
                ('id', models.CharField(default=saas.lib.ids.new_ulid, max_length=26, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=80)),
                ('slug', models.SlugField(blank=True, help_text='Wanted by staff; else made from the name.')),
                ('owner_email', models.EmailField(blank=True, help_text='Whom to invite as the owner, where staff asked for the store.', max_length=254)),
                ('actor', models.CharField(max_length=200)),
                ('reason', models.TextField(blank=True)),
                ('state', models.CharField(choices=[('unconfirmed', 'Unconfirmed'), ('queued', 'Queued'), ('making', 'Making'), ('filling', 'Filling'), ('done', 'Done'), ('failed', 'Failed')], default='unconfirmed', max_length=11)),
                ('progress', models.FloatField(default=0)),
                ('error', models.TextField(blank=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('key_shown_at', models.DateTimeField(help_text='When the first key was shown, once.', null=True)),
                ('person', models.ForeignKey(help_text='Who signed up, and will own it.', null=True, on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, to='tenants.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='StaffVisit',
            fields=[
                ('id', models.CharField(default=saas.lib.ids.new_ulid, max_length=26, primary_key=True, serialize=False)),
                ('reason', models.TextField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('opened_at', models.DateTimeField(null=True)),
                ('ends_at', models.DateTimeField(help_text='Of the link until it is opened, then of the visit.')),
                ('ended_at', models.DateTimeField(help_text='When its end was written down.', null=True)),
                ('staff', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='tenants.tenant')),
            ],
        ),
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.CharField(default=saas.lib.ids.new_ulid, max_length=26, primary_key=True, serialize=False)),
                ('email', models.EmailField(max_length=254)),
                ('role', models.CharField(choices=[('owner', 'Owner'), ('admin', 'Admin'), ('analyst', 'Analyst'), ('developer', 'Developer'), ('finance', 'Finance')], max_length=16)),
                ('invited_by', models.CharField(max_length=200)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('sends', models.PositiveSmallIntegerField(default=0, help_text='How often it was mailed; only the newest link works.')),
                ('expires_at', models.DateTimeField()),
                ('accepted_at', models.DateTimeField(null=True)),
                ('withdrawn_at', models.DateTimeField(null=True)),
                ('accepted_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='invitations', to='tenants.tenant')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('accepted_at', None), ('withdrawn_at', None)), fields=('tenant', 'email'), name='invitation_open_once')],
            },
        ),
        migrations.RunSQL(VERIFY, migrations.RunSQL.noop),
    ]
