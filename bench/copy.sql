COPY calls FROM :'file';
