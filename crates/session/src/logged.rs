//! How settings stand in the log of a take.

/// A key as people write it.
pub mod key_name {
    use chorale::Key;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub fn serialize<S: Serializer>(key: &Option<Key>, serializer: S) -> Result<S::Ok, S::Error> {
        key.map(|key| key.to_string()).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Key>, D::Error> {
        let name = Option::<String>::deserialize(deserializer)?;
        name.map(|name| name.parse().map_err(D::Error::custom)).transpose()
    }
}

/// Places of which the first are taken. Only those are written, and how many there are does not matter to whoever reads
/// them: earlier versions had other numbers of them.
pub mod places {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub fn serialize<S: Serializer, T: Serialize, const N: usize>(
        places: &[Option<T>; N],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let taken = places.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        places[..taken].serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>, T: Deserialize<'de>, const N: usize>(
        deserializer: D,
    ) -> Result<[Option<T>; N], D::Error> {
        let mut written = Vec::<Option<T>>::deserialize(deserializer)?.into_iter();
        let places = std::array::from_fn(|_| written.next().flatten());
        match written.any(|place| place.is_some()) {
            true => Err(D::Error::custom(format!("more than {N} of them"))),
            false => Ok(places),
        }
    }
}
