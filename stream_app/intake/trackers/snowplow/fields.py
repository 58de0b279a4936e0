"""Snowplow's canonical event: its 131 fields in the order of the enriched TSV, and their types.

Source: Snowplow's "Canonical event model" and the enriched event format (131 fields since R73). A field
of the tracker protocol is renamed to the canonical field that it becomes.
"""

from __future__ import annotations

from typing import Any

from stream_app.intake.trackers.field_values import number, text

_IN_ORDER = """
    app_id platform etl_tstamp collector_tstamp dvce_created_tstamp event event_id txn_id
    name_tracker v_tracker v_collector v_etl
    user_id user_ipaddress user_fingerprint domain_userid domain_sessionidx network_userid
    geo_country geo_region geo_city geo_zipcode geo_latitude geo_longitude geo_region_name
    ip_isp ip_organization ip_domain ip_netspeed
    page_url page_title page_referrer
    page_urlscheme page_urlhost page_urlport page_urlpath page_urlquery page_urlfragment
    refr_urlscheme refr_urlhost refr_urlport refr_urlpath refr_urlquery refr_urlfragment
    refr_medium refr_source refr_term
    mkt_medium mkt_source mkt_term mkt_content mkt_campaign
    contexts
    se_category se_action se_label se_property se_value
    unstruct_event
    tr_orderid tr_affiliation tr_total tr_tax tr_shipping tr_city tr_state tr_country
    ti_orderid ti_sku ti_name ti_category ti_price ti_quantity
    pp_xoffset_min pp_xoffset_max pp_yoffset_min pp_yoffset_max
    useragent br_name br_family br_version br_type br_renderengine br_lang
    br_features_pdf br_features_flash br_features_java br_features_director br_features_quicktime
    br_features_realplayer br_features_windowsmedia br_features_gears br_features_silverlight
    br_cookies br_colordepth br_viewwidth br_viewheight
    os_name os_family os_manufacturer os_timezone
    dvce_type dvce_ismobile dvce_screenwidth dvce_screenheight
    doc_charset doc_width doc_height
    tr_currency tr_total_base tr_tax_base tr_shipping_base
    ti_currency ti_price_base base_currency
    geo_timezone mkt_clickid mkt_network etl_tags dvce_sent_tstamp
    refr_domain_userid refr_dvce_tstamp derived_contexts domain_sessionid derived_tstamp
    event_vendor event_name event_format event_version event_fingerprint true_tstamp
"""
_NUMBERS = """
    txn_id domain_sessionidx geo_latitude geo_longitude page_urlport refr_urlport se_value
    tr_total tr_tax tr_shipping tr_total_base tr_tax_base tr_shipping_base
    ti_price ti_quantity ti_price_base
    pp_xoffset_min pp_xoffset_max pp_yoffset_min pp_yoffset_max
    br_viewwidth br_viewheight dvce_screenwidth dvce_screenheight doc_width doc_height
"""
ENRICHED_FIELDS: tuple[str, ...] = tuple(_IN_ORDER.split())
NUMBERS = frozenset(_NUMBERS.split())
BOOLEANS = frozenset({"br_cookies", "dvce_ismobile"} | {f for f in ENRICHED_FIELDS if "_features_" in f})

PARAMETERS: dict[str, str] = {
    "aid": "app_id",
    "p": "platform",
    "tna": "name_tracker",
    "tv": "v_tracker",
    "eid": "event_id",
    "tid": "txn_id",
    "uid": "user_id",
    "duid": "domain_userid",
    "sid": "domain_sessionid",
    "vid": "domain_sessionidx",
    "fp": "user_fingerprint",
    "ip": "user_ipaddress",
    "dtm": "dvce_created_tstamp",
    "stm": "dvce_sent_tstamp",
    "ttm": "true_tstamp",
    "tz": "os_timezone",
    "lang": "br_lang",
    "ua": "useragent",
    "url": "page_url",
    "page": "page_title",
    "refr": "page_referrer",
    "cookie": "br_cookies",
    "cd": "br_colordepth",
    "cs": "doc_charset",
    "se_ca": "se_category",
    "se_ac": "se_action",
    "se_la": "se_label",
    "se_pr": "se_property",
    "se_va": "se_value",
    "tr_id": "tr_orderid",
    "tr_af": "tr_affiliation",
    "tr_tt": "tr_total",
    "tr_tx": "tr_tax",
    "tr_sh": "tr_shipping",
    "tr_ci": "tr_city",
    "tr_st": "tr_state",
    "tr_co": "tr_country",
    "tr_cu": "tr_currency",
    "ti_id": "ti_orderid",
    "ti_sk": "ti_sku",
    "ti_nm": "ti_name",
    "ti_ca": "ti_category",
    "ti_pr": "ti_price",
    "ti_qu": "ti_quantity",
    "ti_cu": "ti_currency",
    "pp_mix": "pp_xoffset_min",
    "pp_max": "pp_xoffset_max",
    "pp_miy": "pp_yoffset_min",
    "pp_may": "pp_yoffset_max",
    "f_pdf": "br_features_pdf",
    "f_fla": "br_features_flash",
    "f_java": "br_features_java",
    "f_dir": "br_features_director",
    "f_qt": "br_features_quicktime",
    "f_realp": "br_features_realplayer",
    "f_wma": "br_features_windowsmedia",
    "f_gears": "br_features_gears",
    "f_ag": "br_features_silverlight",
}
SIZES: dict[str, tuple[str, str]] = {
    "res": ("dvce_screenwidth", "dvce_screenheight"),
    "vp": ("br_viewwidth", "br_viewheight"),
    "ds": ("doc_width", "doc_height"),
}
EVENT_CODES: dict[str, str] = {
    "pv": "page_view",
    "pp": "page_ping",
    "tr": "transaction",
    "ti": "transaction_item",
    "se": "struct",
    "ue": "unstruct",
}


def typed(name: str, value: Any) -> Any:
    """Convert a canonical field to its type; invalid values are returned unchanged."""
    if name in NUMBERS:
        as_number = number(value)
        return value if as_number is None else as_number
    if name in BOOLEANS:
        return {"1": True, "0": False}.get(value, value) if isinstance(value, str) else value
    return text(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
